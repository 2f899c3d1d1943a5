"""Runs that were backed up while they trained, and runs whose weights made room: the same again, bit for bit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import backup, restoring, retention, submission
from service.domain.experiment import State
from service.domain.retention import Policy
from service.settings import Settings
from service.storage import Database
from tests.api.conftest import serving
from tests.workers.conftest import Bench
from tests.workers.test_loss import DELICATE, Ended

PIXELS = {"pixels": [[(7 * row + 3 * column) % 256 for column in range(16)] for row in range(16)]}


@contextmanager
def answers_of(home: Path) -> Iterator[httpx.Client]:
    """A service on that home, asked."""
    with serving(Settings(home=home)) as served:
        yield served.http


def what_is_served(home: Path, experiment_id: str) -> tuple[list[Any], list[float]]:
    """Figures and curves, and the logits of a prediction, which each process may compute in another way."""
    own = f"/v1/experiments/{experiment_id}"
    with answers_of(home) as http:
        answers = [http.get(f"{own}/metrics"), http.get(f"{own}/learning-curves")]
        answers.append(http.post(f"{own}/predictions", json=PIXELS))
        assert [each.status_code for each in answers] == [200, 200, 200]
        *figures, predicted = [each.json() for each in answers]
        return figures, predicted["predictions"][0]["logits"]


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
    finally:
        elsewhere.close()
    (figures, logits), (theirs, their_logits) = (what_is_served(each, done) for each in (home, shared.home))
    assert figures == theirs
    assert logits == pytest.approx(their_logits, abs=1e-4)


def test_weights_that_made_room_are_the_same_when_they_are_trained_again(bench: Bench) -> None:
    first = bench.submit(epochs=3)
    bench.work()
    weights = bench.weights(first)
    planned = retention.plan(bench.database, bench.artifacts, Policy(keep_bytes=0), now=datetime.now(UTC))
    retention.carry_out(bench.database, bench.artifacts, planned)
    assert [*bench.artifacts.iterdir()] == []
    with bench.database.writing() as session:
        again = submission.reproduce(session, first, owner=None, now=datetime.now(UTC)).id
    bench.work()
    reproduction = bench.get(again).reproduction
    assert reproduction is not None
    assert reproduction.identical
    assert bench.weights(again) == weights
