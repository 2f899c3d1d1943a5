"""Sweeps: a sweep is the experiments that carry its id, and has no row of its own."""

from collections import Counter
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.experiment import State
from service.domain.sweep import Sweep, SweepAccepted
from service.errors import NotFoundError
from service.storage import recent
from service.storage.experiments import end
from service.storage.tables import ExperimentRow


def get(session: Session, sweep_id: str) -> Sweep:
    """The sweep with its experiments in their order; `NotFoundError` where there is none of it."""
    # Ids are UUIDv7 and were given in the order of the sweep.
    query = sa.select(ExperimentRow.id, ExperimentRow.revision).where(ExperimentRow.sweep_id == sweep_id)
    items = recent.experiments(
        session, [(row.id, row.revision) for row in session.execute(query.order_by(ExperimentRow.id))]
    )
    if not items:
        raise NotFoundError(f"there is no sweep {sweep_id!r}")
    states = Counter(each.state for each in items)
    return Sweep(
        id=sweep_id,
        count=len(items),
        states={state: states[state] for state in State},
        created_at=items[0].created_at,
        items=items,
    )


def of(session: Session, experiment_id: str) -> SweepAccepted:
    """The sweep that an experiment is one of; `NotFoundError` where it is of none."""
    sweep_id = session.scalar(sa.select(ExperimentRow.sweep_id).where(ExperimentRow.id == experiment_id))
    if sweep_id is None:
        raise NotFoundError(f"experiment {experiment_id!r} is not one of a sweep")
    query = sa.select(ExperimentRow.id).where(ExperimentRow.sweep_id == sweep_id).order_by(ExperimentRow.id)
    ids = tuple(session.scalars(query))
    return SweepAccepted(id=sweep_id, count=len(ids), experiment_ids=ids)


def cancel(session: Session, sweep_id: str, *, now: datetime, by: str | None = None) -> Sweep:
    """Those that are queued end at once, those that run are asked to; `NotFoundError` as `get`."""
    end(session, ExperimentRow.sweep_id == sweep_id, now=now, by=by)
    return get(session, sweep_id)
