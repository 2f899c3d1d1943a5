"""Evaluations go before runs, but never so many that runs starve; no owner has more in training than they may."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from service import ids
from service.domain.evaluation import EvaluationJob, EvaluationRequest
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.settings import Settings
from service.storage import checkpoints as checkpoint_rows
from service.storage import evaluations, experiments, queue
from tests import armed
from tests.storage.conftest import a_checkpoint
from tests.workers.conftest import Bench
from workers.turns import EVALUATING_SECONDS, Turns


@pytest.fixture
def turns(bench: Bench) -> Turns:
    """A worker's."""
    return Turns(bench.database, worker="here:1", lease_seconds=60.0)


def submit(bench: Bench, owner: str, **spec: Any) -> str:
    """Queue an experiment of theirs; its id."""
    parsed = ExperimentSpec.model_validate(spec)
    with bench.database.writing() as session:
        return experiments.add(
            session, experiment_id=ids.new(), spec=parsed, parameters=1, owner=owner, now=datetime.now(UTC)
        ).id


def ask(bench: Bench, experiment_id: str, *, count: int) -> None:
    """Queue evaluations of it."""
    for _ in range(count):
        with bench.database.writing() as session:
            request = EvaluationRequest(dataset="digits", checkpoint="last")
            evaluations.add(session, experiment_id, request, evaluation_id=ids.new(), owner=None, now=datetime.now(UTC))


@pytest.fixture
def waiting(bench: Bench, turns: Turns) -> str:
    """An experiment that runs and has a checkpoint, and two that wait; its id."""
    experiment_id = bench.submit(priority=1)
    run = turns.take()
    assert isinstance(run, Run)
    with bench.database.writing() as session:
        queue.guard(session, run, lease_seconds=60.0, checkpoint_epoch=1)
        checkpoint_rows.publish(session, a_checkpoint(run, 1))
    for _ in range(2):
        bench.submit()
    return experiment_id


def test_an_evaluation_goes_before_the_next_run_though_it_came_later(bench: Bench, turns: Turns, waiting: str) -> None:
    ask(bench, waiting, count=2)
    taken = [turns.take() for _ in range(5)]
    assert [type(each) for each in taken] == [EvaluationJob, EvaluationJob, Run, Run, type(None)]


def test_a_run_has_its_turn_after_some_seconds_of_evaluations(bench: Bench, turns: Turns, waiting: str) -> None:
    ask(bench, waiting, count=5)
    taken = []
    while (each := turns.take()) is not None:
        turns.took(each, seconds=EVALUATING_SECONDS / 2)
        taken.append(type(each))
    pair = [EvaluationJob, EvaluationJob]
    assert taken == [*pair, Run, *pair, Run, EvaluationJob]


def test_evaluations_go_on_where_no_run_waits(bench: Bench, turns: Turns, waiting: str) -> None:
    while isinstance(turns.take(), Run):
        pass
    ask(bench, waiting, count=3)
    for _ in range(3):
        taken = turns.take()
        assert isinstance(taken, EvaluationJob)
        turns.took(taken, seconds=2 * EVALUATING_SECONDS)
    assert turns.take() is None


def test_workers_begin_no_more_runs_of_an_owner_than_they_are_told(bench: Bench) -> None:
    """Ana's come first and could be trained side by side. Red where either kind of claim is not told of the setting."""
    spec = {"dataset": "synthetic", "architecture": "mlp", "epochs": 10_000}
    first, *_ = [
        submit(bench, "ana", **spec), submit(bench, "ana", **spec, seed=1), submit(bench, "ben", **spec, priority=-1)
    ]  # fmt: skip

    def running() -> Counter[str | None]:
        with bench.database.reading() as session:
            return Counter(experiments.find(session, each).owner for each in queue.facts(session).active)

    settings = Settings(home=bench.home, owner_running=1)
    with armed.worker(settings):
        bench.wait_until(lambda: bench.get(first).progress.epoch >= 3)
        assert running() == {"ana": 1}
        with armed.worker(settings):
            bench.wait_until(lambda: running().total() >= 2)
            assert running() == {"ana": 1, "ben": 1}
