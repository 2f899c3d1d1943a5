"""Runs whose weights may go: they have ended, have some, and nothing holds them.

What holds a run is somebody's word that it matters: a version of a model came from it, somebody wrote a note about it,
it answers a lab sheet, or an evaluation of it waits. All of it but its weights stays in any case, and the weights can
be made again: the same spec gives the same bits.
"""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.checkpoint import Checkpoint
from service.domain.experiment import ENDED, State
from service.domain.history import EventKind
from service.domain.lab import TAG
from service.domain.retention import Expendable
from service.storage import artifacts, history, records
from service.storage.tables import CheckpointRow, EvaluationRow, ExperimentRow, ModelVersionRow, NoteRow, TagRow


def expendable(session: Session) -> Iterator[Expendable]:
    """Those that ended first before the others."""
    row, its = ExperimentRow, CheckpointRow.experiment_id == ExperimentRow.id
    ended = sa.select(row.id, row.name, row.state, row.finished_at).where(*_FREE, sa.exists().where(its))
    for found in session.execute(ended.order_by(row.finished_at, row.id)).all():
        files = session.scalars(sa.select(CheckpointRow.files).where(CheckpointRow.experiment_id == found.id))
        yield Expendable(
            experiment_id=found.id,
            name=found.name,
            state=State(found.state),
            finished_at=found.finished_at,
            bytes=sum(file["bytes"] for each in files for file in each),
        )


def total_bytes(session: Session) -> int:
    """Of all files that rows name."""
    return sum(file.bytes for each in artifacts.named(session) for file in each.files)


def forget_weights(
    session: Session, experiment_id: str, *, ended_by: datetime, now: datetime
) -> tuple[Checkpoint, ...]:
    """Remove the checkpoints' rows; the caller removes their files. None where the run has become another's matter."""
    row = ExperimentRow
    freed = (
        sa.update(row)
        .where(row.id == experiment_id, row.finished_at <= ended_by, *_FREE)
        .values(checkpoint_epoch=0, claimed_checkpoint_epoch=0, revision=row.revision + 1)
        .returning(row.id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(freed) is None:
        return ()
    gone = session.scalars(sa.select(CheckpointRow).where(CheckpointRow.experiment_id == experiment_id))
    forgotten = tuple(map(records.checkpoint, gone))
    session.execute(sa.delete(CheckpointRow).where(CheckpointRow.experiment_id == experiment_id))
    history.add(session, [experiment_id], EventKind.WEIGHTS_REMOVED, now=now, reason="to make room on the disk")
    return forgotten


def known_experiments(session: Session) -> frozenset[str]:
    """The ids of all."""
    return frozenset(session.scalars(sa.select(ExperimentRow.id)))


_FREE = (
    ExperimentRow.state.in_(ENDED),
    ExperimentRow.finished_at.is_not(None),
    ~sa.exists().where(NoteRow.experiment_id == ExperimentRow.id),
    ~sa.exists().where(TagRow.experiment_id == ExperimentRow.id, TagRow.tag.startswith(TAG, autoescape=True)),
    ~sa.exists().where(
        EvaluationRow.experiment_id == ExperimentRow.id, EvaluationRow.state.in_((State.QUEUED, State.RUNNING))
    ),
    ~sa.exists().where(ModelVersionRow.facts["experiment_id"].as_string() == ExperimentRow.id),
)
"""Nothing holds it."""
