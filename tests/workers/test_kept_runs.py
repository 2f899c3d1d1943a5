"""Runs that were backed up while they trained, and runs whose weights made room: the same again, bit for bit."""

from datetime import UTC, datetime
from pathlib import Path

import torch

from service import backup, checkpoints, restoring, retention, submission
from service.domain.experiment import State
from service.domain.metrics import EpochMetrics
from service.domain.retention import Policy
from service.settings import Settings
from service.storage import Database
from service.storage import checkpoints as checkpoint_rows
from tests.api.conftest import serving
from tests.workers.conftest import Bench
from tests.workers.test_loss import DELICATE, Ended

PIXELS = {"pixels": [[(7 * row + 3 * column) % 256 for column in range(16)] for row in range(16)]}


def logits_of(bench: Bench, experiment_id: str, images: torch.Tensor) -> torch.Tensor:
    """What the best weights on this bench say of them."""
    with bench.database.reading() as session:
        best = checkpoint_rows.named(session, experiment_id, "best")
    network, _manifest = checkpoints.load_network(bench.artifacts, best)
    with torch.inference_mode():
        said: torch.Tensor = network(images)
        return said


def test_a_backup_of_a_run_that_trains_is_restored_elsewhere_and_ends_bit_equal(shared: Bench, tmp_path: Path) -> None:
    """Without the optimizer's state in the backup, its curve was another from there on."""
    done = shared.submit(epochs=2)
    victim = shared.submit(**DELICATE)
    shared.wait_until(lambda: shared.get(victim).progress.epoch >= 3)
    backup.write(shared.database, shared.artifacts, tmp_path / "backup.tar", progress=lambda *_: None)
    home = tmp_path / "home"
    database = Database(Settings(home=home).database)
    restoring.restore(
        database,
        home / "artifacts",
        tmp_path / "backup.tar",
        force=False,
        now=datetime.now(UTC),
        progress=lambda *_: None,
    )
    elsewhere = Bench(home=home, database=database)
    try:
        waits = elsewhere.get(victim)
        assert (waits.state, waits.attempt, waits.worker) == (State.QUEUED, 1, None)
        elsewhere.work()
        resumed = elsewhere.get(victim)
        assert (resumed.attempt, resumed.resumed_inexact) == (2, False)
        assert 0 < resumed.resumptions[-1].after_epoch < DELICATE["epochs"]
        shared.wait_until(lambda: shared.get(victim).state.ended)
        assert Ended.of(elsewhere, victim) == Ended.of(shared, victim)
        images = torch.rand((5, 1, 16, 16), generator=torch.Generator().manual_seed(1))
        assert torch.equal(logits_of(elsewhere, done, images), logits_of(shared, done, images))
    finally:
        elsewhere.close()
    with serving(Settings(home=home)) as served:
        own = f"/v1/experiments/{done}"
        items = served.http.get(f"{own}/metrics").json()["items"]
        predicted = served.http.post(f"{own}/predictions", json=PIXELS)
    assert [EpochMetrics.model_validate(each) for each in items] == [*shared.epochs(done)]
    assert (predicted.status_code, predicted.json()["checkpoint"]["name"]) == (200, "best")


def test_weights_that_made_room_are_the_same_when_they_are_trained_again(bench: Bench) -> None:
    first = bench.submit(epochs=3)
    bench.work()
    weights = bench.weights(first)
    now = datetime.now(UTC)
    planned = retention.plan(bench.database, bench.artifacts, Policy(keep_bytes=0), now=now)
    retention.carry_out(bench.database, bench.artifacts, planned, now=now)
    assert [*bench.artifacts.iterdir()] == []
    with bench.database.writing() as session:
        again = submission.reproduce(session, first, owner=None, now=datetime.now(UTC)).id
    bench.work()
    reproduction = bench.get(again).reproduction
    assert reproduction is not None
    assert reproduction.identical
    assert bench.weights(again) == weights
