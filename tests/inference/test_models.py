"""The cache of loaded networks, with real checkpoints of networks that were never trained."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import architectures, checkpoints, datasets, ids
from service.domain.checkpoint import Checkpoint
from service.domain.manifest import Manifest
from service.errors import DamagedCheckpointError
from service.inference.models import Models


def store(root: Path) -> Checkpoint:
    """A perceptron's checkpoint."""
    options = architectures.options_class("perceptron").model_validate({})
    network = architectures.build(options, activation="identity", image_size=16, classes=10)
    manifest = Manifest(
        experiment_id=ids.new(),
        spec_hash="sha256:0",
        epoch=1,
        architecture=options,
        activation="identity",
        image_size=16,
        labels=tuple("0123456789"),
        mean=0.5,
        std=0.25,
        framing=datasets.facts("synthetic").framing,
        native_size=16,
    )
    return checkpoints.write(
        root,
        checkpoint_id=ids.new(),
        attempt=1,
        manifest=manifest,
        weights=network.state_dict(),
        state=None,
        now=datetime.now(UTC),
    )


def test_a_network_is_loaded_once_however_many_ask_at_once(tmp_path: Path) -> None:
    models, stored = Models(tmp_path), store(tmp_path)
    together = threading.Barrier(8)

    def ask() -> int:
        together.wait()
        return id(models.get(stored))

    with ThreadPoolExecutor(8) as pool:
        found = {future.result() for future in [pool.submit(ask) for _ in range(8)]}
    assert len(found) == 1


def test_the_one_asked_for_longest_ago_makes_way(tmp_path: Path) -> None:
    first, second, third = (store(tmp_path) for _ in range(3))
    models = Models(tmp_path, capacity_bytes=2 * first.weights.bytes)
    loaded = models.get(first)
    models.get(second)
    assert models.get(first) is loaded
    models.get(third)
    assert len(models) == 2
    assert models.get(first) is loaded


def test_one_network_is_kept_even_where_it_is_larger_than_the_room(tmp_path: Path) -> None:
    models, stored = Models(tmp_path, capacity_bytes=1), store(tmp_path)
    assert models.get(stored) is models.get(stored)


def test_a_failed_load_is_told_to_all_and_tried_again(tmp_path: Path) -> None:
    models, stored = Models(tmp_path), store(tmp_path)
    folder = tmp_path / stored.folder
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(DamagedCheckpointError):
        models.get(stored)
    (tmp_path / "elsewhere").rename(folder)
    assert models.get(stored).network is not None


def test_what_is_deleted_is_loaded_no_more_and_what_lies_elsewhere_still_is(tmp_path: Path) -> None:
    first, second = store(tmp_path), store(tmp_path)
    models = Models(tmp_path)
    for each in (first, second):
        models.get(each)
    models.forget(first.experiment_id[:-1])  # no folder's name, only its beginning
    assert len(models) == 2
    models.forget(first.experiment_id)
    assert (models.loaded(first), models.loaded(second) is not None) == (None, True)
    models.forget(second.folder)
    assert len(models) == 0
