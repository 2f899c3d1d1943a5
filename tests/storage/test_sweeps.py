"""Sweeps in the database: stored as one, in their order and turn, counted and cancelled by what their rows say."""

from typing import Any

import pytest
import sqlalchemy as sa

from service import ids
from service.domain.experiment import State
from service.domain.spec import ExperimentSpec
from service.domain.sweep import Planned
from service.errors import NotFoundError
from service.storage import StorageError, experiments, sweeps
from service.storage.tables import ExperimentRow
from tests.storage.conftest import NOW, Bench


def planned(*facts: dict[str, Any]) -> list[Planned]:
    """An experiment each, with these fields."""
    return [
        Planned(ExperimentSpec.model_validate({"dataset": "synthetic", "architecture": "mlp"} | each), 1000 + number)
        for number, each in enumerate(facts)
    ]


def add(bench: Bench, members: list[Planned], *, owner: str | None = None) -> tuple[str, list[str]]:
    """Store them as one sweep; its id and theirs."""
    sweep_id, experiment_ids = ids.new(), [ids.new() for _ in members]
    with bench.database.writing() as session:
        experiments.add_sweep(session, sweep_id, experiment_ids=experiment_ids, planned=members, now=NOW, owner=owner)
    return sweep_id, experiment_ids


def test_its_experiments_are_what_was_planned_in_that_order(bench: Bench) -> None:
    members = planned({"seed": 3, "tags": ["a", "b", "a"]}, {"seed": 1}, {"epochs": 7, "tags": ["b"]})
    sweep_id, experiment_ids = add(bench, members, owner="ana")
    bench.submit()
    with bench.database.reading() as session:
        sweep = sweeps.get(session, sweep_id)
    assert [item.id for item in sweep.items] == experiment_ids
    assert [(item.spec, item.parameters) for item in sweep.items] == members
    assert {(item.owner, item.sweep_id, item.created_at) for item in sweep.items} == {("ana", sweep_id, NOW)}
    assert [item.queue_position for item in sweep.items] == [1, 3, 4]
    assert (sweep.id, sweep.count, sweep.created_at) == (sweep_id, 3, NOW)
    assert sweep.states == {state: 3 if state is State.QUEUED else 0 for state in State}


@pytest.mark.parametrize("running", [False, True])
def test_its_turns_are_those_of_experiments_that_are_submitted_one_after_another(bench: Bench, running: bool) -> None:
    if running:
        bench.submit(owner="bob")
        bench.claim()
    facts: list[dict[str, Any]] = [{}, {"priority": 5}, {}, {"priority": 5}, {}]
    one_by_one = [bench.submit(owner="ana", **each) for each in facts * 2]
    swept = [each for _ in range(2) for each in add(bench, planned(*facts), owner="zoe")[1]]
    with bench.database.reading() as session:
        turns = {row.id: row.turn for row in session.execute(sa.select(ExperimentRow.id, ExperimentRow.turn))}
    assert [turns[each] for each in swept] == [turns[each] for each in one_by_one]
    assert len({turns[each] for each in swept}) == 6


def test_a_sweep_that_cannot_be_stored_whole_is_not_stored_at_all(bench: Bench) -> None:
    taken = bench.submit()
    members = planned({}, {}, {})
    with pytest.raises(StorageError, match=r"(?i)unique"), bench.database.writing() as session:
        experiments.add_sweep(session, "sweep", experiment_ids=[ids.new(), ids.new(), taken], planned=members, now=NOW)
    assert bench.waiting() == (taken,)


def test_all_that_have_not_ended_are_cancelled_and_no_other(bench: Bench) -> None:
    sweep_id, (done, running, *queued) = add(bench, planned({}, {}, {}, {}))
    bench.finish(bench.claim())
    bench.claim()
    other = bench.submit()
    with bench.database.writing() as session:
        sweep = sweeps.cancel(session, sweep_id, now=NOW)
    assert {state: count for state, count in sweep.states.items() if count} == {
        State.COMPLETED: 1, State.RUNNING: 1, State.CANCELLED: 2,
    }  # fmt: skip
    assert [bench.get(each).state for each in (done, running, *queued)] == [item.state for item in sweep.items]
    assert {bench.get(each).finished_at for each in queued} == {NOW}
    assert bench.waiting() == (other,)


def test_what_is_no_sweep_is_not_found(bench: Bench) -> None:
    alone = bench.submit()
    with bench.database.writing() as session:
        for look in (
            lambda: sweeps.get(session, "nobody"),
            lambda: sweeps.cancel(session, "nobody", now=NOW),
            lambda: sweeps.of(session, alone),
            lambda: sweeps.of(session, "nobody"),
        ):
            with pytest.raises(NotFoundError):
                look()


def test_those_that_were_deleted_are_not_counted(bench: Bench) -> None:
    sweep_id, experiment_ids = add(bench, planned({}, {}))
    bench.delete(experiment_ids[0])
    with bench.database.reading() as session:
        assert [item.id for item in sweeps.get(session, sweep_id).items] == experiment_ids[1:]
        assert sweeps.of(session, experiment_ids[1]).experiment_ids == (experiment_ids[1],)
    bench.delete(experiment_ids[1])
    with bench.database.reading() as session, pytest.raises(NotFoundError):
        sweeps.get(session, sweep_id)
