"""Epoch times of the newest completed runs of a machine."""

from collections import defaultdict
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.experiment import State
from service.domain.timing import Timing
from service.storage import records
from service.storage.tables import EpochRow, ExperimentRow

LOOKED_AT = 500
"""Completed runs, the newest, whatever their machine and network: the index gives them without a search."""
EPOCHS = 20
"""Of each run, the first: the median of so many does not move any more, and a run may have ten thousand."""


def recent(session: Session, *, host: str, limit: int, **same: str) -> tuple[Timing, ...]:
    """At most `limit` completed runs of the host that did not diverge, the newest first.

    `same` names columns, such as `architecture`, and what they must hold.
    """
    newest = (
        sa.select(ExperimentRow.id)
        .where(ExperimentRow.state == State.COMPLETED)
        .order_by(ExperimentRow.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    query = (
        sa.select(ExperimentRow)
        .join(newest, newest.c.id == ExperimentRow.id)
        .where(
            ExperimentRow.worker.startswith(f"{host}:", autoescape=True),
            ExperimentRow.diverged.is_(False),
            *(getattr(ExperimentRow, column) == value for column, value in same.items()),
        )
        .order_by(ExperimentRow.id.desc())
        .limit(limit)
    )
    rows = session.scalars(query).all()
    seconds = _epoch_seconds(session, [row.id for row in rows])
    return tuple(_timing(row, seconds[row.id]) for row in rows if row.id in seconds)


def _epoch_seconds(session: Session, ids: list[str]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    query = sa.select(EpochRow.experiment_id, EpochRow.epoch_seconds).where(
        EpochRow.experiment_id.in_(ids), EpochRow.epoch <= EPOCHS
    )
    for experiment_id, taken in session.execute(query):
        found[experiment_id].append(taken)
    return found


def _timing(row: ExperimentRow, seconds: list[float]) -> Timing:
    environment: dict[str, Any] = row.environment or {}
    return Timing(
        spec=records.spec(row),
        epoch_seconds=median(seconds),
        trained_beside=int(environment.get("trained_beside", 0)),
    )
