"""A database that comes out of a backup: nobody works on what it says is being worked on."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.experiment import State
from service.storage.tables import EvaluationRow, ExperimentRow, WorkerRow


def settle(session: Session, *, now: datetime) -> None:
    """What ran waits again, and was no failure; what was asked to cancel ends; the workers are forgotten."""
    row = ExperimentRow
    freed: dict[str, Any] = {"worker": None, "lease_expires_at": None}
    asked = row.cancel_requested
    session.execute(
        sa.update(row)
        .where(row.state == State.RUNNING)
        .values(
            state=sa.case((asked, State.CANCELLED), else_=State.QUEUED),
            finished_at=sa.case((asked, sa.literal(now, row.finished_at.type)), else_=None),
            cancel_requested=False,
            revision=row.revision + 1,
            **freed,
        )
    )
    session.execute(
        sa.update(EvaluationRow).where(EvaluationRow.state == State.RUNNING).values(state=State.QUEUED, **freed)
    )
    session.execute(sa.delete(WorkerRow))
