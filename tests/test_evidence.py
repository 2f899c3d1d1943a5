"""What a finished run's analysis is made from: logits that a real worker has stored, and the images they are of."""

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import sqlalchemy as sa
import torch

from service import checkpoints, datasets, evidence
from service.domain.experiment import State
from service.errors import ConflictError, DamagedCheckpointError, NotFoundError
from service.settings import Settings
from service.storage import checkpoints as checkpoint_rows
from service.storage import experiments
from service.storage.tables import CheckpointRow
from tests.workers.conftest import Bench, bench

__all__ = ["bench"]

SPEC = {"dataset": {"name": "synthetic", "train_size": 300}, "architecture": "cnn", "epochs": 3}


def test_the_logits_are_those_of_the_best_weights(bench: Bench) -> None:
    run = bench.submit(**SPEC)
    bench.drain()
    found = evidence.read(bench.database, bench.artifacts, run)
    experiment, test, validation = found.experiment, found.of("test"), found.of("validation")
    assert experiment.test is not None
    assert experiment.best is not None
    assert (test.logits.argmax(1) == test.labels).mean() == experiment.test.accuracy
    assert (validation.logits.argmax(1) == validation.labels).mean() == experiment.best.val_accuracy

    with bench.database.reading() as session:
        best = checkpoint_rows.named(session, run, "best")
    network, manifest = checkpoints.load_network(bench.artifacts, best)
    images = evidence.images(Settings(home=bench.home), experiment.spec.dataset, "test", test.indices)
    with torch.inference_mode():
        again = network(datasets.standardise(torch.from_numpy(images), mean=manifest.mean, std=manifest.std))
    np.testing.assert_allclose(test.logits, again.numpy(), atol=1e-4)


def test_the_indices_lead_to_the_images_and_labels(bench: Bench) -> None:
    run = bench.submit(**SPEC)
    bench.drain()
    found = evidence.read(bench.database, bench.artifacts, run)
    whole = datasets.load("synthetic", data_dir=bench.home)
    for split, all_of in (("validation", whole.train), ("test", whole.test)):
        outputs = found.of(split)  # type: ignore[arg-type]
        assert outputs.labels.tolist() == all_of.labels[outputs.indices].tolist()
        images = evidence.images(Settings(home=bench.home), found.experiment.spec.dataset, split, outputs.indices[:5])  # type: ignore[arg-type]
        assert torch.equal(torch.from_numpy(images), all_of.images[outputs.indices[:5]])
    assert len(found.of("validation").labels) == 200


def test_a_run_that_is_continued_has_its_new_outputs(bench: Bench) -> None:
    run = bench.submit(**SPEC | {"epochs": 1})
    bench.drain()
    before = evidence.read(bench.database, bench.artifacts, run).of("test").logits
    with bench.database.writing() as session:
        experiments.continue_for(session, run, epochs=4, limit=10, now=datetime.now(UTC))
    with pytest.raises(ConflictError, match="is queued: once it is completed it has"):
        evidence.read(bench.database, bench.artifacts, run)
    bench.drain()
    found = evidence.read(bench.database, bench.artifacts, run)
    assert found.experiment.progress.epoch == 5
    assert not np.array_equal(found.of("test").logits, before)


def test_why_there_are_none_is_said(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        evidence.read(bench.database, bench.artifacts, "nothing")
    diverging = bench.submit(epochs=5, optimizer={"name": "sgd", "learning_rate": 1000.0})
    bench.drain()
    with pytest.raises(ConflictError, match="diverged before it had an epoch"):
        evidence.read(bench.database, bench.artifacts, diverging)
    older = bench.submit(**SPEC)
    bench.drain()
    with bench.database.writing() as session:
        rows = session.scalars(sa.select(CheckpointRow).where(CheckpointRow.experiment_id == older))
        for row in rows:
            row.files = [file for file in row.files if file["name"] != "outputs.safetensors"]
    with pytest.raises(ConflictError, match="before outputs were kept"):
        evidence.read(bench.database, bench.artifacts, older)
    cancelled = bench.submit(**SPEC)
    with bench.database.writing() as session:
        experiments.cancel(session, cancelled, now=experiments.get(session, cancelled).created_at)
    assert bench.get(cancelled).state is State.CANCELLED
    with pytest.raises(ConflictError, match="is cancelled: only a completed one"):
        evidence.read(bench.database, bench.artifacts, cancelled)


def test_a_flipped_bit_is_noticed(bench: Bench) -> None:
    run = bench.submit(**SPEC)
    bench.drain()
    (file,) = (bench.artifacts / run).glob("*/outputs.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedCheckpointError, match=r"outputs\.safetensors .* is damaged"):
        evidence.read(bench.database, bench.artifacts, run)


START = """
import sys
from pathlib import Path
from service.inference.models import Models
from service.linearity import Linearities
from service.settings import Settings
from service.storage import Database
settings = Settings(home=Path(sys.argv[1]))
Linearities(Database(settings.database), settings, Models(settings.artifacts_dir)).prepare()
print([name for name in ("sklearn", "torchvision", "scipy") if name in sys.modules])
"""


def test_a_start_decodes_in_another_process_whose_libraries_do_not_stay_in_this_one(bench: Bench) -> None:
    bench.submit(dataset="digits", epochs=1)
    bench.drain()
    decoded = bench.home / "cache" / "digits.safetensors"
    decoded.unlink()
    ended = subprocess.run([sys.executable, "-c", START, bench.home], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
    assert decoded.exists()
