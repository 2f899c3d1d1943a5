"""The queue of evaluations: their rows, claimed, guarded and released as those of experiments are in `queue.py`.

An evaluation has no checkpoint to go on from and takes seconds: one that was lost is begun anew, and its budget of
`max_failures` counts every attempt that was lost.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.evaluation import EvaluationJob, EvaluationResult, Reframing
from service.domain.experiment import Failure, State
from service.errors import FencedError
from service.storage import leases
from service.storage.experiments import changes_one
from service.storage.tables import EvaluationRow, ExperimentRow

CLAIM_ORDER = (EvaluationRow.turn, EvaluationRow.created_at, EvaluationRow.id)


def anything_waiting(session: Session) -> bool:
    """A cheap look before a claim: it takes no lock."""
    return session.scalar(sa.select(EvaluationRow.id).where(*_DUE).limit(1)) is not None


def count(session: Session, state: State) -> int:
    """How many are in this state."""
    return session.scalar(sa.select(sa.func.count()).where(EvaluationRow.state == state)) or 0


def claim(session: Session, *, worker: str, lease_seconds: float, now: datetime) -> EvaluationJob | None:
    """Take the next by fair turn and age, in one statement; None where nothing waits."""
    row = EvaluationRow
    following = sa.select(row.id).where(*_DUE).order_by(*CLAIM_ORDER).limit(1)
    chosen = following.with_for_update(skip_locked=True).cte("chosen")
    taken = (
        sa.update(row)
        .where(row.id.in_(sa.select(chosen.c.id)), row.state == State.QUEUED)
        .values(
            state=State.RUNNING,
            attempt=row.attempt + 1,
            worker=worker,
            **leases.granted(lease_seconds),
            started_at=sa.func.coalesce(row.started_at, sa.literal(now, row.started_at.type)),
        )
        .returning(row)
        .execution_options(synchronize_session=False)
    )
    found = session.scalar(taken)
    return None if found is None else _job(found)


def renew(session: Session, job: EvaluationJob, *, lease_seconds: float) -> None:
    """Renew the lease; `FencedError` where the evaluation is no longer this attempt's."""
    _change(session, job, **leases.granted(lease_seconds))


def complete(session: Session, job: EvaluationJob, result: EvaluationResult, *, epoch: int, now: datetime) -> None:
    """Store what the weights of this epoch have come to; `FencedError` as `renew`."""
    found = result.model_dump(mode="json")
    _end(session, job, state=State.COMPLETED, epoch=epoch, result=found, finished_at=now)


def fail(session: Session, job: EvaluationJob, failure: Failure, *, now: datetime) -> None:
    """Store why it cannot be done; `FencedError` as `renew`."""
    _end(session, job, state=State.FAILED, error=failure.model_dump(), finished_at=now)


def give_back(session: Session, job: EvaluationJob) -> None:
    """Queue it again where a worker stops on purpose: that is no failure. `FencedError` as `renew`."""
    _change(session, job, state=State.QUEUED, worker=None, lease_expires_at=None)


def release(session: Session, job: EvaluationJob, *, max_failures: int, now: datetime, why: str) -> None:
    """Give it back as one that was lost: what kept it from going on counts as a failure."""
    _release(session, _owned(job), max_failures=max_failures, now=now, why=why)


def release_expired(session: Session, *, max_failures: int, now: datetime) -> list[str]:
    """Take the evaluations whose lease is over from their workers; their ids."""
    why = "its worker was not heard of within the lease"
    return _release(session, _EXPIRED, max_failures=max_failures, now=now, why=why)


def release_worker(session: Session, worker: str, *, max_failures: int, now: datetime, why: str) -> list[str]:
    """Take the evaluations of a worker that was seen to end; their ids."""
    lost = (EvaluationRow.state == State.RUNNING, EvaluationRow.worker == worker)
    return _release(session, lost, max_failures=max_failures, now=now, why=why)


def running_workers(session: Session) -> set[str]:
    """The workers that evaluations are said to be with."""
    query = sa.select(EvaluationRow.worker).where(EvaluationRow.state == State.RUNNING).distinct()
    return {worker for worker in session.scalars(query) if worker is not None}


def any_expired(session: Session) -> bool:
    """A cheap look before `release_expired`: it takes no lock."""
    return session.scalar(sa.select(EvaluationRow.id).where(*_EXPIRED).limit(1)) is not None


def _job(row: EvaluationRow) -> EvaluationJob:
    return EvaluationJob(
        evaluation_id=row.id,
        attempt=row.attempt,
        experiment_id=row.experiment_id,
        checkpoint=row.checkpoint,
        dataset=row.dataset,
        framing=Reframing(row.framing),
    )


def _change(session: Session, job: EvaluationJob, **facts: Any) -> None:
    if not changes_one(session, sa.update(EvaluationRow).where(*_owned(job)).values(**facts)):
        raise FencedError(f"attempt {job.attempt} of evaluation {job.evaluation_id} is over")


def _end(session: Session, job: EvaluationJob, **facts: Any) -> None:
    _tell_readers(session, ExperimentRow.id == job.experiment_id)
    _change(session, job, lease_expires_at=None, **facts)


def _release(
    session: Session, lost: Collection[sa.ColumnElement[bool]], *, max_failures: int, now: datetime, why: str
) -> list[str]:
    """One whose budget is spent fails, any other waits again."""
    row = EvaluationRow
    _tell_readers(session, ExperimentRow.id.in_(sa.select(row.experiment_id).where(*lost)))
    failures = row.failures + 1
    spent = failures >= max_failures
    failure = Failure(type="WorkerLost", message=f"{why}; {max_failures} attempts were lost")
    released = (
        sa.update(row)
        .where(*lost)
        .values(
            state=sa.case((spent, State.FAILED), else_=State.QUEUED),
            failures=failures,
            error=sa.case((spent, sa.literal(failure.model_dump(), row.error.type)), else_=row.error),
            finished_at=sa.case((spent, sa.literal(now, row.finished_at.type)), else_=row.finished_at),
            lease_expires_at=None,
        )
        .returning(row.id)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(released))


def _tell_readers(session: Session, which: sa.ColumnElement[bool]) -> None:
    """Who waits for an evaluation watches its experiment's revision.

    Its row is taken before the evaluation's, in the order in which a deletion takes them: on PostgreSQL two that took
    them in opposite orders would wait for each other.
    """
    told = sa.update(ExperimentRow).where(which).values(revision=ExperimentRow.revision + 1)
    session.execute(told, execution_options={"synchronize_session": False})


def _owned(job: EvaluationJob) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        EvaluationRow.id == job.evaluation_id,
        EvaluationRow.attempt == job.attempt,
        EvaluationRow.state == State.RUNNING,
    )


_DUE = (
    EvaluationRow.state == State.QUEUED,
    sa.or_(
        EvaluationRow.epoch > 0,
        sa.exists().where(
            ExperimentRow.id == EvaluationRow.experiment_id,
            ExperimentRow.state.not_in((State.QUEUED, State.RUNNING)),
        ),
    ),
)
"""Waits for a worker alone, and not for the end of its run."""
_EXPIRED = (EvaluationRow.state == State.RUNNING, leases.is_over(EvaluationRow))
