"""Experiments from their acceptance to their end: what is stored, who is next, what is allowed in which state."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from service import ids
from service.domain.experiment import State
from service.domain.spec import ExperimentSpec
from service.errors import ConflictError, NotFoundError
from service.storage import experiments, queue
from service.storage.tables import ExperimentRow
from tests.storage.conftest import LEASE, NOW, Bench, a_checkpoint, an_epoch


def test_an_experiment_comes_back_as_it_was_stored(bench: Bench) -> None:
    spec = ExperimentSpec.model_validate(
        {
            "name": "Élève nº 3 – 学习",
            "dataset": {"name": "usps", "train_size": 500},
            "architecture": {"name": "cnn", "channels": [8, 16]},
            "optimizer": {"name": "adam", "betas": [0.8, 0.99]},
            "seed": 2**63 - 1,
            "tags": ["tp3", "b", "tp3"],
        }
    )
    experiment_id = ids.new()
    created = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with bench.database.writing() as session:
        added = experiments.add(
            session,
            experiment_id=experiment_id,
            spec=spec,
            parameters=49_999_999,
            now=created,
            owner="ana",
            sweep_id="s1",
            reproduces="an earlier one",
        )
    read = bench.get(experiment_id)
    assert read == added
    assert read.spec == spec
    assert (read.spec_hash, read.name, read.parameters) == (spec.spec_hash, spec.name, 49_999_999)
    assert (read.owner, read.sweep_id) == ("ana", "s1")
    assert (read.state, read.queue_position, read.attempt) == (State.QUEUED, 1, 0)
    assert read.created_at == created
    assert read.created_at.utcoffset() == timedelta(0)
    assert read.reproduction is not None
    assert (read.reproduction.of, read.reproduction.identical) == ("an earlier one", None)
    assert (read.best, read.last, read.test, read.error, read.worker) == (None, None, None, None, None)
    assert (read.progress.epoch, read.progress.epochs, read.progress.fraction) == (0, 10, 0.0)


def test_a_time_without_a_zone_is_refused(bench: Bench) -> None:
    spec = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "perceptron"})
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    with (
        pytest.raises(sa.exc.StatementError, match="2026-01-01 00:00:00 has no time zone"),
        bench.database.writing() as session,
    ):
        experiments.add(session, experiment_id=ids.new(), spec=spec, parameters=1, now=naive)


def test_nothing_is_there_after_a_transaction_that_failed(bench: Bench) -> None:
    kept = bench.submit(tags=["a"])
    spec = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "perceptron"})

    def add_two() -> None:
        with bench.database.writing() as session:
            for experiment_id in (ids.new(), kept):
                experiments.add(session, experiment_id=experiment_id, spec=spec, parameters=1, now=NOW)

    with pytest.raises(sa.exc.IntegrityError):
        add_two()
    assert bench.waiting() == (kept,)


def test_an_unknown_id_is_named_in_the_error(bench: Bench) -> None:
    calls: tuple[Callable[[Any], object], ...] = (
        lambda session: experiments.get(session, "nothing"),
        lambda session: experiments.cancel(session, "nothing", now=NOW),
        lambda session: experiments.continue_for(session, "nothing", epochs=1, limit=10, now=NOW),
        lambda session: experiments.delete(session, "nothing"),
    )
    for call in calls:
        with pytest.raises(NotFoundError) as caught, bench.database.writing() as session:
            call(session)
        assert caught.value.message == "there is no experiment 'nothing'"


def test_the_position_in_the_queue_is_that_of_the_claims(bench: Bench) -> None:
    waiting = [bench.submit(owner=owner, priority=priority) for owner in "ab" for priority in (0, 5, 0, -5)]
    positions = {experiment_id: bench.get(experiment_id).queue_position for experiment_id in waiting}
    assert sorted(positions.values(), key=lambda place: place or 0) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert bench.claim_all() == sorted(waiting, key=lambda each: positions[each] or 0)
    assert {bench.get(experiment_id).queue_position for experiment_id in waiting} == {None}


def test_revisions_count_every_change_that_can_be_seen(bench: Bench) -> None:
    seen: list[int | None] = []

    def look() -> None:
        with bench.database.reading() as session:
            seen.append(experiments.revisions(session, [experiment_id, "not there"]).get(experiment_id))

    experiment_id = bench.submit()
    look()
    run = bench.claim()
    look()
    bench.report(run, an_epoch(1))
    look()
    bench.cancel(experiment_id)
    look()
    bench.finish(run, State.CANCELLED)
    look()
    bench.delete(experiment_id)
    look()
    assert seen[-1] is None
    numbers = [each for each in seen if each is not None]
    assert len(set(numbers)) == 5
    assert numbers == sorted(numbers)


def test_a_renewed_lease_is_no_change_that_can_be_seen(bench: Bench) -> None:
    experiment_id = bench.submit()
    run = bench.claim()
    with bench.database.reading() as session:
        before = experiments.revisions(session, [experiment_id])
    bench.report(run)
    with bench.database.reading() as session:
        assert experiments.revisions(session, [experiment_id]) == before


def in_state(bench: Bench, state: State) -> str:
    """An experiment that has come to that state as runs do."""
    experiment_id = bench.submit()
    if state is State.QUEUED:
        return experiment_id
    run = bench.claim()
    bench.report(run, an_epoch(1), an_epoch(2), checkpoint=a_checkpoint(run, 2))
    if state is not State.RUNNING:
        bench.finish(run, state)
    return experiment_id


@pytest.mark.parametrize(
    ("state", "becomes"),
    [(State.QUEUED, State.CANCELLED), (State.RUNNING, State.RUNNING)],
)
def test_what_has_not_ended_can_be_cancelled(bench: Bench, state: State, becomes: State) -> None:
    experiment_id = in_state(bench, state)
    answered = bench.cancel(experiment_id)
    assert answered == bench.get(experiment_id)
    assert answered.state is becomes
    assert (answered.finished_at == NOW) is becomes.ended


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_what_has_ended_cannot_be_cancelled_and_stays_as_it_is(bench: Bench, state: State) -> None:
    experiment_id = in_state(bench, state)
    before = bench.get(experiment_id)
    with pytest.raises(ConflictError, match=f"{experiment_id} is {state}: only a queued or running one"):
        bench.cancel(experiment_id)
    assert bench.get(experiment_id) == before


def test_cancelling_a_running_one_twice_is_no_error(bench: Bench) -> None:
    experiment_id = in_state(bench, State.RUNNING)
    bench.cancel(experiment_id)
    assert bench.cancel(experiment_id).state is State.RUNNING


@pytest.mark.parametrize("state", list(State))
def test_all_but_a_running_one_can_be_deleted_with_all_that_belongs_to_it(bench: Bench, state: State) -> None:
    other = bench.submit(tags=["kept"])
    bench.cancel(other)
    experiment_id = in_state(bench, state)
    if state is State.RUNNING:
        with pytest.raises(ConflictError, match=f"{experiment_id} is running"):
            bench.delete(experiment_id)
        assert bench.get(experiment_id).state is State.RUNNING
        return
    bench.delete(experiment_id)
    with pytest.raises(NotFoundError):
        bench.get(experiment_id)
    with bench.database.engine.connect() as connection:
        for table in ("epochs", "checkpoints", "tags"):
            rows = connection.execute(sa.text(f"SELECT experiment_id FROM {table}")).scalars().all()  # noqa: S608  # our own names
            assert experiment_id not in rows
    assert bench.get(other).spec.tags == ("kept",)


@pytest.mark.parametrize("state", [State.COMPLETED, State.CANCELLED])
def test_a_completed_or_cancelled_one_is_queued_for_more_epochs(bench: Bench, state: State) -> None:
    experiment_id = in_state(bench, state)
    before = bench.get(experiment_id)
    bench.continue_for(experiment_id, 18)
    after = bench.get(experiment_id)
    assert (after.state, after.queue_position, after.finished_at, after.test) == (State.QUEUED, 1, None, None)
    assert (after.progress.epoch, after.progress.epochs, after.progress.fraction) == (2, 20, 0.1)
    assert after.spec == before.spec.model_copy(update={"epochs": 20})
    assert after.spec_hash == after.spec.spec_hash != before.spec_hash
    assert bench.claim().continued_from == 2


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FAILED])
def test_any_other_cannot_be_continued(bench: Bench, state: State) -> None:
    experiment_id = in_state(bench, state)
    before = bench.get(experiment_id)
    with pytest.raises(ConflictError, match=f"{experiment_id} is {state}: only a completed or cancelled one"):
        bench.continue_for(experiment_id, 1)
    assert bench.get(experiment_id) == before


def test_one_that_diverged_cannot_be_continued(bench: Bench) -> None:
    bench.submit()
    run = bench.claim()
    bench.finish(run, diverged=True)
    with pytest.raises(ConflictError, match="is diverged: only"):
        bench.continue_for(run.experiment_id, 1)


def test_no_run_is_continued_above_the_limit(bench: Bench) -> None:
    experiment_id = in_state(bench, State.COMPLETED)
    with pytest.raises(ConflictError, match="2 epochs and 9 more are above the limit of 10"):
        bench.continue_for(experiment_id, 9, limit=10)
    bench.continue_for(experiment_id, 8, limit=10)


def test_a_continued_run_begins_with_a_clean_slate(bench: Bench) -> None:
    """Neither an old failure count nor an old request to cancel is held against it."""
    bench.submit()
    for _ in range(2):
        bench.lose(bench.claim())
        bench.release()
    run = bench.claim()
    bench.cancel(run.experiment_id)
    bench.finish(run, State.CANCELLED)
    bench.continue_for(run.experiment_id, 5)
    again = bench.claim()
    assert bench.report(again) is False
    bench.lose(again)
    bench.release()
    assert bench.get(run.experiment_id).state is State.QUEUED


def test_progress_and_results_are_answered_as_they_were_reported(bench: Bench) -> None:
    experiment_id = bench.submit(epochs=4)
    run = bench.claim()
    bench.report(
        run,
        an_epoch(1),
        fraction=0.25,
        epoch_seconds=2.0,
        samples_per_second=500.0,
        last_train_loss=None,
        last_train_accuracy=0.5,
        last_val_loss=1.5,
        last_val_accuracy=0.4,
        best_epoch=1,
        best_val_loss=1.5,
        best_val_accuracy=0.4,
        environment={"torch": "2"},
    )
    running = bench.get(experiment_id)
    assert running.progress.model_dump() == {
        "epoch": 1,
        "epochs": 4,
        "fraction": 0.25,
        "samples_per_second": 500.0,
        "eta_seconds": 6.0,
    }
    assert running.last is not None
    assert (running.last.train_loss, running.last.val_loss) == (None, 1.5)
    assert running.best is not None
    assert running.best.val_accuracy == 0.4
    assert running.environment == {"torch": "2"}
    assert running.started_at == NOW
    bench.finish(run, test_loss=0.5, test_accuracy=0.9, fraction=1.0)
    ended = bench.get(experiment_id)
    assert ended.test is not None
    assert (ended.test.loss, ended.test.accuracy) == (0.5, 0.9)
    assert (ended.progress.eta_seconds, ended.finished_at) == (None, NOW)


def test_the_reason_of_a_failure_may_hold_any_text(bench: Bench) -> None:
    """An exception's message can quote whatever bytes it was made from."""
    bench.submit()
    run = bench.claim()
    bench.finish(run, State.FAILED, error={"type": "E", "message": "nul \x00 é lone \ud800", "traceback_tail": None})
    error = bench.get(run.experiment_id).error
    assert error is not None
    assert error.message == "nul \x00 é lone \ud800"


def test_a_reader_sees_one_state_of_the_database_throughout(bench: Bench) -> None:
    first = bench.submit()
    with bench.database.reading() as session:
        before = queue.facts(session)
        second = bench.submit()
        with bench.database.writing() as other:
            queue.claim(other, worker="w:1", lease_seconds=LEASE, now=NOW)
        assert queue.facts(session) == before
    with bench.database.reading() as session:
        after = queue.facts(session)
    assert before.waiting == (first,)
    assert (after.active, after.waiting) == ((first,), (second,))


def test_what_a_reader_does_is_never_stored(bench: Bench) -> None:
    experiment_id = bench.submit()
    try:
        with bench.database.reading() as session:
            session.execute(sa.update(ExperimentRow).values(name="changed"))
    except sa.exc.SQLAlchemyError:
        pass  # as good: the database refused it
    assert bench.get(experiment_id).name != "changed"
