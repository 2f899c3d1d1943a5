"""Real workers train the runs of a cohort side by side; each ends as if it had been trained alone."""

import os
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from service import ids, submission
from service.domain.experiment import State
from service.domain.spec import ExperimentSpec
from service.storage import experiments, workers
from service.storage.tables import ExperimentRow
from tests.workers.conftest import Bench, numbers

SMALL: dict[str, Any] = {
    "dataset": "synthetic",
    "architecture": {"name": "mlp", "hidden": [16, 8], "dropout": 0.2},
    "optimizer": {"name": "sgd", "learning_rate": 0.02},
    "schedule": "cosine",
    "epochs": 6,
}


def submit(bench: Bench, count: int, *, apart: bool = False, **spec: Any) -> list[str]:
    """Runs that differ in their seeds and learning rates, queued at once; with `apart`, each to be trained alone."""
    runs = []
    with bench.database.writing() as session:
        for seed in range(count):
            rate = {"name": "sgd", "learning_rate": 0.02 + 0.01 * (seed % 2)}
            parsed = ExperimentSpec.model_validate(SMALL | spec | {"optimizer": rate, "seed": seed})
            parameters = submission.check(parsed)
            runs.append(ids.new())
            experiments.add(session, experiment_id=runs[-1], spec=parsed, parameters=parameters, now=datetime.now(UTC))
        if apart:
            session.execute(sa.update(ExperimentRow).where(ExperimentRow.id.in_(runs)).values(cohort=None))
    return runs


def all_ended(bench: Bench, runs: Sequence[str]) -> bool:
    """True once none of them is going on."""
    return all(bench.get(each).state.ended for each in runs)


def alive(bench: Bench) -> int:
    """Workers that are there."""
    with bench.database.reading() as session:
        return sum(each.alive for each in workers.listing(session).items)


def is_at(bench: Bench, run: str, epoch: int) -> bool:
    """True once so much of it is stored."""
    return bench.get(run).progress.epoch >= epoch


def test_a_sweep_is_trained_side_by_side_and_every_run_ends_as_alone(shared: Bench) -> None:
    together = submit(shared, 5, checkpoints={"keep": "all"})
    apart = submit(shared, 5, apart=True, checkpoints={"keep": "all"})
    shared.wait_until(lambda: all_ended(shared, [*together, *apart]))
    for one, other in zip(together, apart, strict=True):
        ours, theirs = shared.get(one), shared.get(other)
        assert ours.state is theirs.state is State.COMPLETED
        assert numbers(shared.epochs(one)) == numbers(shared.epochs(other))
        assert shared.weights(one) == shared.weights(other)
        assert (ours.best, ours.test) == (theirs.best, theirs.test)
        assert ours.environment is not None
        assert theirs.environment is not None
        assert (ours.environment["trained_beside"], theirs.environment["trained_beside"]) == (4, 0)
    assert len({shared.weights(run) for run in together}) == 5


def test_two_workers_share_a_sweep(bench: Bench) -> None:
    bench.start("--count", "2")
    bench.wait_until(lambda: alive(bench) == 2)
    runs = submit(bench, 8, epochs=40)
    bench.wait_until(lambda: all_ended(bench, runs))
    by = [bench.get(run).worker for run in runs]
    assert {bench.get(run).state for run in runs} == {State.COMPLETED}
    assert len(set(by)) == 2
    assert 2 <= by.count(by[0]) <= 6


def test_each_stops_by_its_own_patience_and_the_others_go_on(shared: Bench) -> None:
    patience: dict[str, Any] = {
        "early_stopping": {"monitor": "val_accuracy", "patience": 2},
        "epochs": 60,
        "schedule": "constant",
    }
    together = submit(shared, 4, **patience)
    apart = submit(shared, 4, apart=True, **patience)
    shared.wait_until(lambda: all_ended(shared, [*together, *apart]))
    lengths = [shared.get(run).progress.epoch for run in together]
    assert lengths == [shared.get(run).progress.epoch for run in apart]
    assert len(set(lengths)) > 1
    assert [numbers(shared.epochs(run)) for run in together] == [numbers(shared.epochs(run)) for run in apart]


def test_one_is_cancelled_and_the_others_go_on(shared: Bench) -> None:
    runs = submit(shared, 3, epochs=150)
    shared.wait_until(partial(is_at, shared, runs[1], 3))
    with shared.database.writing() as session:
        experiments.cancel(session, runs[1], now=datetime.now(UTC))
    shared.wait_until(lambda: all_ended(shared, runs))
    cancelled = shared.get(runs[1])
    assert [shared.get(run).state for run in runs] == [State.COMPLETED, State.CANCELLED, State.COMPLETED]
    assert [each.epoch for each in shared.epochs(runs[1])] == list(range(1, cancelled.progress.epoch + 1))
    assert 3 <= cancelled.progress.epoch < 150
    assert [shared.get(run).progress.epoch for run in runs] == [150, cancelled.progress.epoch, 150]


def test_when_their_worker_is_killed_all_end_as_if_nothing_had_happened(shared: Bench) -> None:
    lost = submit(shared, 3, epochs=24, checkpoints={"keep": "all"})
    shared.wait_until(lambda: all(is_at(shared, run, 5) for run in lost))
    worker = shared.get(lost[0]).worker
    assert worker is not None
    os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)
    shared.wait_until(lambda: all_ended(shared, lost))
    apart = submit(shared, 3, apart=True, epochs=24, checkpoints={"keep": "all"})
    shared.wait_until(lambda: all_ended(shared, apart))
    for one, other in zip(lost, apart, strict=True):
        assert shared.get(one).attempt == 2
        assert shared.get(one).resumed_inexact is False
        assert numbers(shared.epochs(one)) == numbers(shared.epochs(other))
        assert shared.weights(one) == shared.weights(other)


def test_one_that_cannot_begin_fails_and_the_others_do_not_notice(shared: Bench) -> None:
    blocker = shared.submit(epochs=10_000)
    shared.wait_until(partial(is_at, shared, blocker, 1))
    runs = submit(shared, 3)
    (shared.artifacts / runs[1]).write_text("where its checkpoints should go")
    with shared.database.writing() as session:
        experiments.cancel(session, blocker, now=datetime.now(UTC))
    shared.wait_until(lambda: all_ended(shared, runs))
    assert [shared.get(run).state for run in runs] == [State.COMPLETED, State.FAILED, State.COMPLETED]
    failed = shared.get(runs[1])
    assert failed.error is not None
    assert runs[1] in failed.error.message


def test_runs_that_come_later_join(shared: Bench) -> None:
    (first,) = submit(shared, 1, epochs=100)
    shared.wait_until(partial(is_at, shared, first, 3))
    later = submit(shared, 2, epochs=100)
    shared.wait_until(lambda: all(is_at(shared, run, 1) for run in later))
    assert shared.get(first).state is State.RUNNING
    shared.wait_until(lambda: all_ended(shared, [first, *later]))
    environments = [shared.get(run).environment or {} for run in (first, *later)]
    assert [each["trained_beside"] for each in environments] == [0, 2, 2]
    assert len({shared.get(run).worker for run in (first, *later)}) == 1
