"""What rows name of the artifacts folder: the checkpoints of experiments, and the versions of models."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.checkpoint import Checkpoint
from service.domain.experiment import State
from service.storage import model_records, records
from service.storage.tables import CheckpointRow, ExperimentRow, ModelVersionRow

AT_ONCE = 500
"""Rows in memory."""


def named(session: Session) -> Iterator[Checkpoint]:
    """All of them, row by row; those of running experiments first, as they are superseded soonest."""
    running = (ExperimentRow.state == State.RUNNING).desc()
    checkpoints = (
        sa.select(CheckpointRow)
        .join(ExperimentRow, ExperimentRow.id == CheckpointRow.experiment_id)
        .order_by(running, CheckpointRow.id.desc())
    )
    yield from map(records.checkpoint, session.scalars(_by_portions(checkpoints)))
    versions = sa.select(ModelVersionRow).order_by(ModelVersionRow.id)
    yield from map(model_records.checkpoint, session.scalars(_by_portions(versions)))


def _by_portions(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.execution_options(yield_per=AT_ONCE)
