"""Where the tensors of a run come from, and how the training split is divided."""

from pathlib import Path

import torch

from service.domain.experiment import State
from service.domain.spec import DatasetChoice, ExperimentSpec
from tests.workers.conftest import Bench
from workers.training_data import prepare

NOWHERE = Path("there is no such folder")


def choice(**options: object) -> DatasetChoice:
    return ExperimentSpec.model_validate({"dataset": {"name": "synthetic"} | options, "architecture": "mlp"}).dataset


def test_a_run_learns_from_the_same_images_whether_they_are_mapped_or_decoded(tmp_path: Path) -> None:
    for image_size in (None, 20):
        mapped, decoded = (
            prepare(choice(image_size=image_size), seed=3, data_dir=NOWHERE, mirror=None, cache_dir=cache_dir)
            for cache_dir in (tmp_path, None)
        )
        assert (mapped.mean, mapped.std) == (decoded.mean, decoded.std)
        for ours, theirs in (
            (mapped.train.taken(), decoded.train.taken()),
            (mapped.validation, decoded.validation),
            (mapped.test, decoded.test),
        ):
            assert torch.equal(ours.images, theirs.images)
            assert torch.equal(ours.labels, theirs.labels)
    assert {file.name for file in tmp_path.glob("*.safetensors")} == {
        "synthetic.safetensors",
        "synthetic-20.safetensors",
    }


def test_a_data_set_that_a_worker_has_at_hand_is_not_mapped_again(tmp_path: Path) -> None:
    first, second = (prepare(choice(), seed=seed, data_dir=NOWHERE, mirror=None, cache_dir=tmp_path) for seed in (0, 1))
    assert first.test.images is second.test.images


def test_workers_map_what_lies_in_the_cache_of_the_home(shared: Bench) -> None:
    done = shared.submit(dataset={"name": "digits", "image_size": 12}, epochs=1)
    shared.wait_until(lambda: shared.get(done).state.ended)
    assert shared.get(done).state is State.COMPLETED
    stored = {file.name for file in (shared.home / "cache").glob("*.safetensors")}
    assert stored >= {"synthetic.safetensors", "digits.safetensors", "digits-12.safetensors"}
