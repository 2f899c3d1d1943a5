"""Counts over whole tables, as the watchers of a service ask for them."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.domain.experiment import State
from service.storage.tables import EvaluationRow, ExperimentRow, WorkerRow, database_clock


def experiments(session: Session) -> dict[State, int]:
    """How many are in each state."""
    return _by_state(session, ExperimentRow.state)


def evaluations(session: Session) -> dict[State, int]:
    """How many are in each state."""
    return _by_state(session, EvaluationRow.state)


def oldest_waiting(session: Session) -> datetime | None:
    """When the run was submitted that waits for longest."""
    return session.scalar(sa.select(sa.func.min(ExperimentRow.created_at)).where(ExperimentRow.state == State.QUEUED))


def workers(session: Session) -> tuple[int, int]:
    """How many are alive, and how many of them train a run."""
    alive = sa.select(WorkerRow.id).where(WorkerRow.lease_expires_at > database_clock()).cte("alive")
    running = sa.select(ExperimentRow.worker).where(ExperimentRow.state == State.RUNNING)
    busy = sa.select(sa.func.count()).select_from(alive).where(alive.c.id.in_(running)).scalar_subquery()
    total = sa.select(sa.func.count()).select_from(alive).scalar_subquery()
    row = session.execute(sa.select(total, busy)).one()
    return row[0], row[1]


def _by_state(session: Session, column: InstrumentedAttribute[str]) -> dict[State, int]:
    found = session.execute(sa.select(column, sa.func.count()).group_by(column))
    return dict.fromkeys(State, 0) | {State(row[0]): row[1] for row in found}
