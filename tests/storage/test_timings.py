"""Epoch times of completed runs of one machine."""

from typing import Any

import pytest

from service.domain.experiment import State
from service.domain.timing import Timing
from service.storage import timings
from tests.storage.conftest import Bench, an_epoch


def recent(bench: Bench, *, host: str = "box", limit: int = 10, **same: str) -> tuple[Timing, ...]:
    with bench.database.reading() as session:
        return timings.recent(session, host=host, limit=limit, **same)


def ended(
    bench: Bench, *seconds: float, worker: str = "box:1", state: State = State.COMPLETED, facts: Any = None, **spec: Any
) -> None:
    bench.submit(**spec)
    run = bench.claim(worker=worker)
    bench.report(run, *(an_epoch(n, epoch_seconds=each) for n, each in enumerate(seconds, start=1)))
    bench.finish(run, state, **(facts or {}))


def test_runs_come_newest_first_with_the_median_of_their_epochs(bench: Bench) -> None:
    ended(bench, 9.0, 1.0, 2.0, seed=1)
    ended(bench, 5.0, seed=2, facts={"environment": {"trained_beside": 3}})
    assert [(each.spec.seed, each.epoch_seconds, each.trained_beside) for each in recent(bench)] == [
        (2, 5.0, 3),
        (1, 2.0, 0),
    ]
    assert [each.spec.seed for each in recent(bench, limit=1)] == [2]


def test_only_the_first_epochs_count(bench: Bench) -> None:
    ended(bench, *[1.0] * timings.EPOCHS, *[9.0] * 100)
    assert [each.epoch_seconds for each in recent(bench)] == [1.0]


def test_other_machines_and_runs_that_are_not_whole_are_left_out(bench: Bench) -> None:
    ended(bench, 1.0, worker="boxer:1")
    ended(bench, 1.0, worker="another:1")
    ended(bench, 1.0, state=State.FAILED)
    ended(bench, 1.0, state=State.CANCELLED)
    ended(bench, 1.0, facts={"diverged": True})
    ended(bench)
    bench.submit()
    assert recent(bench) == ()
    assert len(recent(bench, host="boxer")) == 1
    assert recent(bench, host="bo%") == ()


def test_columns_can_be_asked_for(bench: Bench) -> None:
    ended(bench, 1.0, architecture="perceptron")
    ended(bench, 2.0, architecture="mlp", activation="tanh")
    ended(bench, 3.0, architecture="mlp", dataset="digits")
    assert [each.epoch_seconds for each in recent(bench, architecture="mlp")] == [3.0, 2.0]
    assert [each.epoch_seconds for each in recent(bench, architecture="mlp", dataset="digits")] == [3.0]


def test_no_more_than_the_newest_are_looked_at(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timings, "LOOKED_AT", 2)
    for seconds in (1.0, 2.0, 3.0):
        ended(bench, seconds)
    assert [each.epoch_seconds for each in recent(bench)] == [3.0, 2.0]
