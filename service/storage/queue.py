"""The queue: the experiment rows themselves, and the three statements that workers live by.

*Claim* takes the next run and counts its `attempt` up. *Guard* is the first statement of every transaction in which a
worker writes: it renews the lease and finds no row once another attempt has begun, so nothing of a worker that was
thought dead is ever stored. *Release* gives a run back: at once where its process was seen to end, else when its lease
is over. The budget of `max_failures` counts attempts in a row that published no checkpoint, not attempts: a healthy
run may be interrupted any number of times.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from service.domain.experiment import Failure, State
from service.domain.history import EventKind
from service.domain.run import Company, QueueFacts, Run
from service.errors import FencedError
from service.storage import history, leases, records
from service.storage.experiments import CLAIM_ORDER, changes_one
from service.storage.tables import EvaluationRow, ExperimentRow, WorkerRow

LISTED = 200


def anything_waiting(session: Session) -> bool:
    """A cheap look before a claim: it takes no lock."""
    return session.scalar(sa.select(ExperimentRow.id).where(ExperimentRow.state == State.QUEUED).limit(1)) is not None


def count_waiting(session: Session, owner: str) -> int:
    """How many runs of this owner wait."""
    waiting = sa.and_(ExperimentRow.owner == owner, ExperimentRow.state == State.QUEUED)
    return session.scalar(sa.select(sa.func.count()).where(waiting)) or 0


def claim(session: Session, *, worker: str, lease_seconds: float, now: datetime, most_running: int = 0) -> Run | None:
    """Take the next run by priority, fair turn and age, in one statement; None where nothing waits that may be taken.

    Of an owner of whom `most_running` are in training none may; 0: any number.
    """
    row, other = ExperimentRow, aliased(ExperimentRow)
    # The highest priority first, and then in the index's order: to sort all that waits took most of a claim's time.
    highest = sa.select(sa.func.max(other.priority)).where(other.state == State.QUEUED)
    following = sa.select(row.id).where(row.state == State.QUEUED).order_by(row.turn, row.created_at, row.id)
    if most_running:
        full = _full(most_running)
        highest = highest.where(other.owner.is_(None) | other.owner.not_in(full))
        following = following.where(row.owner.is_(None) | row.owner.not_in(full))
    following = following.where(row.priority == highest.scalar_subquery())
    runs = _claim(session, following.limit(1), worker=worker, lease_seconds=lease_seconds, now=now)
    return runs[0] if runs else None


def claim_peers(
    session: Session,
    run: Run,
    *,
    threads: int,
    limit: int,
    worker: str,
    lease_seconds: float,
    now: datetime,
    most_running: int = 0,
) -> list[Run]:
    """Take up to `limit` waiting runs of the same cohort and priority, in one statement.

    One that has begun already must have begun with as many threads, and one that was lost without progress is left
    to be tried alone: it may be what its worker died of. They may overtake runs of their own owner, but none of another
    owner's whose turn is before theirs. `most_running` is as for `claim`.
    """
    peer, other = ExperimentRow, aliased(ExperimentRow)
    before = sa.and_(other.priority == peer.priority, other.turn < peer.turn, other.owner.is_distinct_from(peer.owner))
    overtaken = sa.exists().where(
        other.state == State.QUEUED,
        other.cohort.is_distinct_from(run.cohort),
        sa.or_(other.priority > peer.priority, before),
    )
    eligible = (
        peer.cohort == run.cohort,
        peer.state == State.QUEUED,
        peer.priority == run.spec.priority,
        peer.failures == 0,
        sa.or_(peer.environment.is_(None), peer.environment["threads"].as_integer() == threads),
        ~overtaken,
    )
    following = sa.select(peer.id).where(*eligible).order_by(*CLAIM_ORDER).limit(limit)
    if most_running:
        following = following.where(peer.id.in_(_with_room(eligible, most_running)))
    return _claim(session, following, worker=worker, lease_seconds=lease_seconds, now=now)


def _running_of_owners() -> sa.Subquery:
    running = aliased(ExperimentRow)
    counted = sa.select(running.owner, sa.func.count().label("running")).where(running.state == State.RUNNING)
    return counted.group_by(running.owner).subquery()


def _full(most_running: int) -> sa.Select[tuple[str | None]]:
    """The owners who have as many runs in training as they may."""
    counts = _running_of_owners()
    return sa.select(counts.c.owner).where(counts.c.owner.is_not(None), counts.c.running >= most_running)


def _with_room(eligible: Collection[sa.ColumnElement[bool]], most_running: int) -> sa.Select[tuple[str]]:
    """Of these runs so many of each owner as they have room for, in the order in which they are taken."""
    row, counts = ExperimentRow, _running_of_owners()
    place = sa.func.row_number().over(partition_by=row.owner, order_by=CLAIM_ORDER).label("place")
    ranked = sa.select(row.id, row.owner, place).where(*eligible).subquery()
    room = most_running - sa.func.coalesce(counts.c.running, 0)
    within = sa.or_(ranked.c.owner.is_(None), ranked.c.place <= room)
    return sa.select(ranked.c.id).outerjoin(counts, counts.c.owner == ranked.c.owner).where(within)


def company(session: Session, run: Run) -> Company:
    """How a cohort stands: what of it waits and runs, who trains it, and who else could."""
    row = ExperimentRow
    same = (row.cohort == run.cohort, row.priority == run.spec.priority)
    states = session.scalars(sa.select(row.state).where(*same, row.state.in_((State.QUEUED, State.RUNNING))))
    counts = Counter(states)
    if not counts[State.QUEUED]:
        return Company(waiting=0, running=counts[State.RUNNING], workers=1, idle=0)
    alive = set(session.scalars(sa.select(WorkerRow.id).where(leases.holds(WorkerRow))))
    busy = session.execute(sa.select(row.worker, row.cohort).where(row.state == State.RUNNING)).all()
    return Company(
        waiting=counts[State.QUEUED],
        running=counts[State.RUNNING],
        workers=len({worker for worker, cohort in busy if cohort == run.cohort}),
        idle=len(alive - {worker for worker, _cohort in busy}),
    )


def _claim(
    session: Session, following: sa.Select[str], *, worker: str, lease_seconds: float, now: datetime
) -> list[Run]:
    # A common table expression, as PostgreSQL may run a subquery with a limit more than once.
    chosen = following.with_for_update(skip_locked=True).cte("chosen")
    taken = (
        sa.update(ExperimentRow)
        .where(ExperimentRow.id.in_(sa.select(chosen.c.id)), ExperimentRow.state == State.QUEUED)
        .values(
            state=State.RUNNING,
            attempt=ExperimentRow.attempt + 1,
            worker=worker,
            **leases.granted(lease_seconds),
            claimed_checkpoint_epoch=ExperimentRow.checkpoint_epoch,
            started_at=sa.func.coalesce(ExperimentRow.started_at, sa.literal(now, ExperimentRow.started_at.type)),
            revision=ExperimentRow.revision + 1,
        )
        .returning(ExperimentRow)
        .execution_options(synchronize_session=False)
    )
    runs = [records.run(row) for row in session.scalars(taken)]
    history.add(session, [run.experiment_id for run in runs], EventKind.CLAIMED, now=now, worker=worker)
    return runs


def guard(session: Session, run: Run, *, lease_seconds: float, **facts: Any) -> bool:
    """Renew the lease and store `facts` (columns); True where a cancel was asked for.

    `FencedError` where the run is no longer this attempt's: the transaction must then write nothing.
    """
    given = {"guarded_id": run.experiment_id, "guarded_attempt": run.attempt, "guarded_seconds": lease_seconds}
    cancel_requested = session.scalar(_renewal(frozenset(facts)), given | facts)
    if cancel_requested is None:
        raise FencedError(f"attempt {run.attempt} of experiment {run.experiment_id} is over")
    return bool(cancel_requested)


@cache
def _renewal(columns: frozenset[str]) -> sa.Update:
    """The guard's statement, which says what is stored by name: to put it together took longer than to run it."""
    table = cast("sa.Table", ExperimentRow.__table__)
    row = table.c
    stored: dict[str, sa.ColumnElement[Any]] = {
        name: sa.bindparam(name, type_=row[name].type) for name in sorted(columns)
    }
    if columns:
        stored["revision"] = row.revision + 1
    return (
        sa.update(table)
        .where(
            row.id == sa.bindparam("guarded_id"),
            row.attempt == sa.bindparam("guarded_attempt"),
            row.state == State.RUNNING,
        )
        .values(**leases.granted(sa.bindparam("guarded_seconds", type_=sa.Float())), **stored)
        .returning(row.cancel_requested)
    )


def cancel_requested(session: Session, run: Run) -> bool:
    """A cheap look that writes nothing; `FencedError` as in `guard`."""
    asked = session.scalar(sa.select(ExperimentRow.cancel_requested).where(*_owned(run)))
    if asked is None:
        raise FencedError(f"attempt {run.attempt} of experiment {run.experiment_id} is over")
    return asked


def finish(session: Session, run: Run, state: State, *, now: datetime, **facts: Any) -> None:
    """End the run as `state`, with `facts` (columns); `FencedError` as in `guard`."""
    ended = (
        sa.update(ExperimentRow)
        .where(*_owned(run))
        .values(state=state, finished_at=now, lease_expires_at=None, cancel_requested=False, **facts, **_REVISED)
    )
    if not changes_one(session, ended):
        raise FencedError(f"attempt {run.attempt} of experiment {run.experiment_id} is over")
    why = (facts.get("error") or {}).get("message") or ("it diverged" if facts.get("diverged") else None)
    history.add(session, [run.experiment_id], EventKind(state), now=now, reason=why)


def give_back(session: Session, run: Run, *, now: datetime) -> None:
    """Queue the run again where a worker stops on purpose: that is no failure. Nothing where it is fenced.

    One that was asked to cancel ends: there may be no other worker to hear of it.
    """
    row = ExperimentRow
    given_back = (
        sa.update(row)
        .where(*_owned(run))
        .values(
            state=sa.case((row.cancel_requested, State.CANCELLED), else_=State.QUEUED),
            finished_at=sa.case((row.cancel_requested, sa.literal(now, row.finished_at.type)), else_=None),
            worker=sa.case((row.cancel_requested, row.worker), else_=None),
            cancel_requested=False,
            lease_expires_at=None,
            **_REVISED,
        )
        .returning(row.state)
        .execution_options(synchronize_session=False)
    )
    state = session.scalar(given_back)
    if state is not None:
        kind = EventKind.CANCELLED if state == State.CANCELLED else EventKind.GIVEN_BACK
        history.add(session, [run.experiment_id], kind, now=now)


def release_expired(session: Session, *, max_failures: int, now: datetime) -> list[str]:
    """Take the runs whose lease is over from their workers; the ids of those runs."""
    return _release(
        session, _EXPIRED, max_failures=max_failures, now=now, why="its worker was not heard of within the lease"
    )


def release_worker(
    session: Session, worker: str, *, max_failures: int, now: datetime, why: str, blameless: bool = False
) -> list[str]:
    """Take the runs of a worker that was seen to end, which if `blameless` is no failure of theirs; their ids."""
    lost = (ExperimentRow.state == State.RUNNING, ExperimentRow.worker == worker)
    return _release(session, lost, max_failures=max_failures, now=now, why=why, blameless=blameless)


def release(session: Session, run: Run, *, max_failures: int, now: datetime, why: str) -> None:
    """Give the run back as one that was lost: what kept it from going on counts as a failure."""
    _release(session, _owned(run), max_failures=max_failures, now=now, why=why)


def running_workers(session: Session) -> set[str]:
    """The workers that runs are said to be with."""
    query = sa.select(ExperimentRow.worker).where(ExperimentRow.state == State.RUNNING).distinct()
    return {worker for worker in session.scalars(query) if worker is not None}


def any_expired(session: Session) -> bool:
    """A cheap look before `release_expired`: it takes no lock."""
    return session.scalar(sa.select(ExperimentRow.id).where(*_EXPIRED).limit(1)) is not None


def facts(session: Session) -> QueueFacts:
    """What waits, in the order in which it will be taken, and what runs."""
    states = sa.select(ExperimentRow.state, sa.func.count()).group_by(ExperimentRow.state)
    counts: dict[str, int] = {state: count for state, count in session.execute(states)}  # noqa: C416  # dict() takes no rows, as mypy sees them
    waiting = (
        sa.select(ExperimentRow.id).where(ExperimentRow.state == State.QUEUED).order_by(*CLAIM_ORDER).limit(LISTED)
    )
    active = sa.select(ExperimentRow.id).where(ExperimentRow.state == State.RUNNING).order_by(ExperimentRow.started_at)
    evaluations = sa.select(sa.func.count()).where(EvaluationRow.state == State.QUEUED)
    return QueueFacts(
        queued=counts.get(State.QUEUED, 0),
        running=counts.get(State.RUNNING, 0),
        evaluations=session.scalar(evaluations) or 0,
        waiting=tuple(session.scalars(waiting)),
        active=tuple(session.scalars(active.limit(LISTED))),
    )


def _release(
    session: Session,
    lost: Collection[sa.ColumnElement[bool]],
    *,
    max_failures: int,
    now: datetime,
    why: str,
    blameless: bool = False,
) -> list[str]:
    """A run that was asked to cancel ends, one whose budget is spent fails, any other waits again."""
    row = ExperimentRow
    counted = row.failures if blameless else row.failures + 1
    failures = sa.case((row.checkpoint_epoch > row.claimed_checkpoint_epoch, 0), else_=counted)
    spent = sa.and_(failures >= max_failures, sa.not_(row.cancel_requested))
    failure = Failure(type="WorkerLost", message=f"{why}; {max_failures} attempts in a row made no progress")
    ended = sa.or_(row.cancel_requested, spent)
    released = (
        sa.update(row)
        .where(*lost)
        .values(
            state=sa.case((row.cancel_requested, State.CANCELLED), (spent, State.FAILED), else_=State.QUEUED),
            failures=failures,
            error=sa.case((spent, sa.literal(failure.model_dump(), row.error.type)), else_=row.error),
            finished_at=sa.case((ended, sa.literal(now, row.finished_at.type)), else_=row.finished_at),
            cancel_requested=False,
            lease_expires_at=None,
            **_REVISED,
        )
        .returning(row.id, row.state)
        .execution_options(synchronize_session=False)
    )
    found = session.execute(released).all()
    history.add(session, [each.id for each in found], EventKind.LOST, now=now, reason=why)
    for state, reason in ((State.FAILED, failure.message), (State.CANCELLED, None)):
        history.add(
            session, [each.id for each in found if each.state == state], EventKind(state), now=now, reason=reason
        )
    return [each.id for each in found]


def _owned(run: Run) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        ExperimentRow.id == run.experiment_id,
        ExperimentRow.attempt == run.attempt,
        ExperimentRow.state == State.RUNNING,
    )


_EXPIRED = (ExperimentRow.state == State.RUNNING, leases.is_over(ExperimentRow))
_REVISED = {"revision": ExperimentRow.revision + 1}
