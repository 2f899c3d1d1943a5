"""Who is there: each worker process renews its row while it lives."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.experiment import State
from service.domain.run import WorkerFacts, WorkerList
from service.storage import leases
from service.storage.tables import ExperimentRow, WorkerRow, database_clock

REMEMBERED_SECONDS = 3600.0


def register(session: Session, worker: str, *, lease_seconds: float, now: datetime, facts: dict[str, Any]) -> None:
    """Enter a worker that is ready for work; forget those that have long been silent."""
    silent = sa.func.abs(WorkerRow.lease_expires_at - database_clock()) > REMEMBERED_SECONDS
    long_silent = sa.and_(sa.not_(leases.holds(WorkerRow)), silent)
    session.execute(sa.delete(WorkerRow).where(sa.or_(WorkerRow.id == worker, long_silent)))
    session.execute(
        sa.insert(WorkerRow).values(
            id=worker,
            started_at=now,
            **leases.granted(lease_seconds),
            facts=facts,
        )
    )


def renew(session: Session, worker: str, *, lease_seconds: float) -> None:
    """Say that the worker lives."""
    session.execute(sa.update(WorkerRow).where(WorkerRow.id == worker).values(**leases.granted(lease_seconds)))


def leave(session: Session, worker: str) -> None:
    """The worker has ended."""
    session.execute(sa.delete(WorkerRow).where(WorkerRow.id == worker))


def listing(session: Session) -> WorkerList:
    """All that are there or were within the hour, the living first."""
    alive = leases.holds(WorkerRow).label("alive")
    its_run = sa.and_(ExperimentRow.worker == WorkerRow.id, ExperimentRow.state == State.RUNNING)
    found = sa.select(WorkerRow, alive, ExperimentRow.id).outerjoin(ExperimentRow, its_run)
    rows = session.execute(found.order_by(alive.desc(), WorkerRow.started_at, WorkerRow.id, ExperimentRow.id)).all()
    there = {row.id: (row, bool(is_alive)) for row, is_alive, _run in rows}
    runs: dict[str, list[str]] = {worker: [] for worker in there}
    for row, _is_alive, run in rows:
        runs[row.id] += [run] if run is not None else []
    return WorkerList(
        items=tuple(
            WorkerFacts(
                id=worker,
                alive=is_alive,
                started_at=row.started_at,
                experiment_id=next(iter(runs[worker]), None),
                experiment_ids=tuple(runs[worker]),
                facts=row.facts,
            )
            for worker, (row, is_alive) in there.items()
        )
    )


def any_alive(session: Session) -> bool:
    """True where at least one worker's lease holds."""
    query = sa.select(WorkerRow.id).where(leases.holds(WorkerRow)).limit(1)
    return session.scalar(query) is not None
