"""Events of runs, each stored in the transaction that does what it tells; of one run there are at most `MOST`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.experiment import State
from service.domain.history import Event, EventKind, History
from service.errors import NotFoundError
from service.storage.tables import EventRow, ExperimentRow

MOST = 200
FIRST = 50
"""Of those, the first so many are always kept."""
LONGEST_REASON = 1000


def add(
    session: Session,
    experiment_ids: Sequence[str],
    kind: EventKind,
    *,
    now: datetime,
    worker: str | None = None,
    epoch: int | None = None,
    by: str | None = None,
    reason: str | None = None,
) -> None:
    """Say that this happened to each of them, after what changes their rows in the same transaction."""
    if not experiment_ids:
        return
    facts = {"at": now, "kind": kind, "worker": worker, "epoch": epoch, "by": by, "reason": _storable(reason)}
    given = {"told_ids": list(experiment_ids)} | {f"told_{name}": fact for name, fact in facts.items()}
    for experiment_id, number in session.execute(_ADDED, given).all():
        if number > MOST:
            middle = (EventRow.number > FIRST, EventRow.number <= number - MOST + FIRST)
            session.execute(sa.delete(EventRow).where(EventRow.experiment_id == experiment_id, *middle))


def of(session: Session, experiment_id: str) -> History:
    """What is kept of a run's events, the oldest first; `NotFoundError` where there is no such experiment."""
    state = session.scalar(sa.select(ExperimentRow.state).where(ExperimentRow.id == experiment_id))
    if state is None:
        raise NotFoundError(f"there is no experiment {experiment_id!r}")
    query = sa.select(EventRow).where(EventRow.experiment_id == experiment_id).order_by(EventRow.number)
    items = tuple(_record(row) for row in session.scalars(query))
    left_out = items[-1].number - len(items) if items else 0
    return History(experiment_id=experiment_id, state=State(state), items=items, left_out=left_out)


def _record(row: EventRow) -> Event:
    return Event(**{name: getattr(row, name) for name in Event.model_fields})


def _storable(reason: str | None) -> str | None:
    """Whatever an error said: a lone surrogate is no text for SQLite, a zero none for PostgreSQL."""
    if reason is None:
        return None
    return reason[:LONGEST_REASON].encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def _added() -> sa.sql.dml.ReturningInsert[Any]:
    """One statement however many runs: each has its own next number, which its locked row keeps to this transaction."""
    event, run = cast("sa.Table", EventRow.__table__), ExperimentRow
    last = sa.select(sa.func.max(event.c.number)).where(event.c.experiment_id == run.id).scalar_subquery()
    told = {
        name: sa.bindparam(f"told_{name}", type_=event.c[name].type)
        for name in ("at", "kind", "worker", "epoch", "by", "reason")
    }
    columns = {
        "experiment_id": run.id,
        "number": sa.func.coalesce(last, 0) + 1,
        "attempt": run.attempt,
        **told,
    }
    chosen = sa.select(*columns.values()).where(run.id.in_(sa.bindparam("told_ids", expanding=True)))
    return sa.insert(event).from_select([*columns], chosen).returning(event.c.experiment_id, event.c.number)


_ADDED = _added()
