"""Evaluations go before runs, but never so many that runs starve."""

from datetime import UTC, datetime

import pytest

from service import ids
from service.domain.evaluation import EvaluationJob, EvaluationRequest
from service.domain.run import Run
from service.storage import checkpoints as checkpoint_rows
from service.storage import evaluations, queue
from tests.storage.conftest import a_checkpoint
from tests.workers.conftest import Bench
from workers.turns import EVALUATING_SECONDS, Turns


@pytest.fixture
def turns(bench: Bench) -> Turns:
    """A worker's."""
    return Turns(bench.database, worker="here:1", lease_seconds=60.0)


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
