"""Experiments: accepted, read, cancelled, continued, deleted. What workers do to them is in `queue.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import count

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain import cohort
from service.domain.experiment import Experiment, State
from service.domain.history import EventKind
from service.domain.spec import ExperimentSpec
from service.domain.sweep import Planned
from service.errors import ConflictError, NotFoundError
from service.storage import history, records, turns
from service.storage.tables import ExperimentRow, TagRow

CLAIM_ORDER = (ExperimentRow.priority.desc(), ExperimentRow.turn, ExperimentRow.created_at, ExperimentRow.id)


def add(
    session: Session,
    *,
    experiment_id: str,
    spec: ExperimentSpec,
    parameters: int,
    now: datetime,
    owner: str | None = None,
    sweep_id: str | None = None,
    reproduces: str | None = None,
) -> Experiment:
    """Store and thereby enqueue: one INSERT."""
    turn = _next_turn(session, owner, priority=spec.priority)
    row = _new_row(
        experiment_id, spec, parameters=parameters, now=now, turn=turn, owner=owner, sweep_id=sweep_id,
        reproduces=reproduces,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add_all(_tags(row, spec))
    session.flush()
    history.add(session, [row.id], EventKind.QUEUED, now=now, by=owner)
    return _record(session, row)


def add_sweep(
    session: Session,
    sweep_id: str,
    *,
    experiment_ids: Sequence[str],
    planned: Sequence[Planned],
    now: datetime,
    owner: str | None = None,
) -> None:
    """Store and thereby enqueue all of a sweep, as `add` would one after another, but in few statements."""
    priorities = {spec.priority for spec, _ in planned}
    turns = {priority: count(_next_turn(session, owner, priority=priority)) for priority in priorities}
    rows = [
        _new_row(
            each, spec, parameters=parameters, now=now, turn=next(turns[spec.priority]), owner=owner, sweep_id=sweep_id
        )
        for each, (spec, parameters) in zip(experiment_ids, planned, strict=True)
    ]
    session.add_all(rows)
    session.flush()
    session.add_all(tag for row, (spec, _) in zip(rows, planned, strict=True) for tag in _tags(row, spec))
    session.flush()
    history.add(session, experiment_ids, EventKind.QUEUED, now=now, by=owner)


def _new_row(
    experiment_id: str,
    spec: ExperimentSpec,
    *,
    parameters: int,
    now: datetime,
    turn: int,
    owner: str | None,
    sweep_id: str | None,
    reproduces: str | None = None,
) -> ExperimentRow:
    return ExperimentRow(
        id=experiment_id,
        name=spec.name,
        state=State.QUEUED,
        spec=spec.model_dump(mode="json"),
        spec_hash=spec.spec_hash,
        cohort=cohort.key(spec),
        dataset=spec.dataset.name,
        architecture=spec.architecture.name,
        activation=spec.activation,
        parameters=parameters,
        owner=owner,
        sweep_id=sweep_id,
        created_at=now,
        priority=spec.priority,
        turn=turn,
        epochs=spec.epochs,
        reproduces=reproduces,
    )


def _tags(row: ExperimentRow, spec: ExperimentSpec) -> list[TagRow]:
    return [TagRow(experiment_id=row.id, tag=tag) for tag in dict.fromkeys(spec.tags)]


def _next_turn(session: Session, owner: str | None, *, priority: int) -> int:
    """Each priority has its own rounds: a run that overtakes the others says nothing about how far theirs is."""
    return turns.following(session, ExperimentRow, owner, ExperimentRow.priority == priority)


def get(session: Session, experiment_id: str) -> Experiment:
    """The experiment; `NotFoundError` where there is none."""
    return _record(session, find(session, experiment_id))


def find(session: Session, experiment_id: str) -> ExperimentRow:
    """The row, for this package's own use; `NotFoundError` where there is none."""
    row = session.get(ExperimentRow, experiment_id)
    if row is None:
        raise NotFoundError(f"there is no experiment {experiment_id!r}")
    return row


def revisions(session: Session, experiment_ids: Collection[str]) -> dict[str, int]:
    """How often each has changed; those that are not there any more are left out."""
    query = sa.select(ExperimentRow.id, ExperimentRow.revision).where(ExperimentRow.id.in_(experiment_ids))
    return {row.id: row.revision for row in session.execute(query)}


def cancel(session: Session, experiment_id: str, *, now: datetime, by: str | None = None) -> Experiment:
    """A queued one ends at once, a running one is asked to; `ConflictError` where it has already ended."""
    if not end(session, ExperimentRow.id == experiment_id, now=now, by=by):
        row = find(session, experiment_id)
        raise ConflictError(f"experiment {experiment_id} is {row.state}: only a queued or running one can be cancelled")
    return get(session, experiment_id)


def end(session: Session, which: sa.ColumnElement[bool], *, now: datetime, by: str | None) -> int:
    """For this package's own use: ends those of them that are queued, and asks those that run to end; how many."""
    # One statement: between two, a run could be taken or given back, and be missed by both.
    queued = ExperimentRow.state == State.QUEUED
    ending = (
        sa.update(ExperimentRow)
        .where(which, ExperimentRow.state.in_((State.QUEUED, State.RUNNING)))
        .values(
            state=sa.case((queued, State.CANCELLED), else_=ExperimentRow.state),
            finished_at=sa.case((queued, sa.literal(now, ExperimentRow.finished_at.type)), else_=None),
            cancel_requested=sa.not_(queued),
            revision=ExperimentRow.revision + 1,
        )
        .returning(ExperimentRow.id, ExperimentRow.state)
    )
    found = session.execute(ending, execution_options={"synchronize_session": False}).all()
    cancelled = [row.id for row in found if row.state == State.CANCELLED]
    asked = [row.id for row in found if row.state != State.CANCELLED]
    history.add(session, cancelled, EventKind.CANCELLED, now=now, by=by)
    history.add(session, asked, EventKind.CANCEL_REQUESTED, now=now, by=by)
    return len(found)


def continue_for(
    session: Session, experiment_id: str, *, epochs: int, limit: int, now: datetime, by: str | None = None
) -> Experiment:
    """Queue a completed or cancelled one again, for `epochs` more; `ConflictError` where that cannot be."""
    row = find(session, experiment_id)
    if row.state not in {State.COMPLETED, State.CANCELLED} or row.diverged:
        what = "diverged" if row.diverged else row.state
        raise ConflictError(f"experiment {experiment_id} is {what}: only a completed or cancelled one can be continued")
    total = row.epoch + epochs
    if total > limit:
        raise ConflictError(f"{row.epoch} epochs and {epochs} more are above the limit of {limit}")
    spec = ExperimentSpec.model_validate(row.spec).model_copy(update={"epochs": total})
    changed = (
        sa.update(ExperimentRow)
        .where(ExperimentRow.id == experiment_id, ExperimentRow.state == row.state)
        .values(
            state=State.QUEUED,
            spec=spec.model_dump(mode="json"),
            spec_hash=spec.spec_hash,
            cohort=cohort.key(spec),
            epochs=total,
            fraction=row.epoch / total,
            continued_from=row.epoch,
            turn=_next_turn(session, row.owner, priority=row.priority),
            failures=0,
            cancel_requested=False,
            finished_at=None,
            test_loss=None,
            test_accuracy=None,
            revision=ExperimentRow.revision + 1,
        )
    )
    if not changes_one(session, changed):
        raise ConflictError(f"experiment {experiment_id} has changed in the meantime")
    session.expire(row)
    history.add(session, [experiment_id], EventKind.CONTINUED, now=now, epoch=total - epochs, by=by)
    return get(session, experiment_id)


def delete(session: Session, experiment_id: str) -> None:
    """Remove its rows; the caller removes its files. `ConflictError` while it runs."""
    gone = sa.delete(ExperimentRow).where(ExperimentRow.id == experiment_id, ExperimentRow.state != State.RUNNING)
    if not changes_one(session, gone):
        find(session, experiment_id)
        raise ConflictError(f"experiment {experiment_id} is running: cancel it first")


def changes_one(session: Session, statement: sa.Update | sa.Delete) -> bool:
    """Run the statement; True where it found its row."""
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return getattr(result, "rowcount", 0) == 1


def _record(session: Session, row: ExperimentRow) -> Experiment:
    waiting = [row.id] if row.state == State.QUEUED else []
    return records.experiment(row, queue_position=positions(session, waiting).get(row.id))


def positions(session: Session, waiting: Collection[str]) -> dict[str, int]:
    """The place in the queue of each of these that is queued; 1 is next."""
    if not waiting:
        return {}
    place = sa.func.row_number().over(order_by=CLAIM_ORDER).label("place")
    queue = sa.select(ExperimentRow.id, place).where(ExperimentRow.state == State.QUEUED).subquery()
    query = sa.select(queue.c.id, queue.c.place).where(queue.c.id.in_(waiting))
    return {row.id: row.place for row in session.execute(query)}
