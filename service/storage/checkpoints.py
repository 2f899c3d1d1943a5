"""Rows of published checkpoints; the files themselves are `service/checkpoints.py`'s."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.checkpoint import Checkpoint, CheckpointList, CheckpointListing
from service.domain.experiment import State
from service.domain.selection import Selection
from service.domain.spec import ExperimentSpec
from service.errors import ConflictError, NotFoundError
from service.storage import records
from service.storage.experiments import find
from service.storage.tables import CheckpointRow, EpochRow, ExperimentRow


def publish(session: Session, checkpoint: Checkpoint) -> None:
    """Store the row after `queue.guard` in the same transaction; one of the same epoch gives way to it."""
    same = (CheckpointRow.experiment_id == checkpoint.experiment_id, CheckpointRow.epoch == checkpoint.epoch)
    session.execute(sa.delete(CheckpointRow).where(*same))
    session.add(CheckpointRow(**checkpoint.model_dump(mode="python")))
    session.flush()


def forget(session: Session, checkpoint: Checkpoint) -> None:
    """Remove the row of one that is superseded, after what revises its experiment in the same transaction."""
    session.execute(sa.delete(CheckpointRow).where(CheckpointRow.id == checkpoint.id))


def put_aside(session: Session, checkpoint: Checkpoint) -> None:
    """Remove the row of one that is damaged, which changes what its experiment has to show."""
    forget(session, checkpoint)
    revised = sa.update(ExperimentRow).where(ExperimentRow.id == checkpoint.experiment_id)
    session.execute(revised.values(revision=ExperimentRow.revision + 1))


def all_of(session: Session, experiment_id: str) -> tuple[Checkpoint, ...]:
    """All checkpoints of an experiment, the newest epoch first."""
    query = sa.select(CheckpointRow).where(CheckpointRow.experiment_id == experiment_id)
    return tuple(records.checkpoint(row) for row in session.scalars(query.order_by(CheckpointRow.epoch.desc())))


def named(session: Session, experiment_id: str, name: str) -> Checkpoint:
    """The checkpoint called `best`, `last` or by its epoch.

    `NotFoundError` where there is no such experiment or name, `ConflictError` while there is no checkpoint at all.
    """
    experiment = find(session, experiment_id)
    stored = all_of(session, experiment_id)
    if not stored:
        if experiment.state == State.COMPLETED and experiment.best_epoch is not None:
            raise ConflictError(
                f"experiment {experiment_id} has no checkpoint any more: they were removed to make room; reproduce it"
            )
        yet = "" if State(experiment.state).ended else " yet"
        raise ConflictError(f"experiment {experiment_id} is {experiment.state} and has no checkpoint{yet}")
    by_name = _names(session, experiment, stored)
    if name not in by_name:
        raise NotFoundError(f"experiment {experiment_id} has no checkpoint {name!r}; there are: {', '.join(by_name)}")
    return by_name[name]


def with_outputs(session: Session, experiment_id: str) -> Checkpoint:
    """The checkpoint at which a run ended, beside which its outputs lie.

    `NotFoundError` where there is no such experiment, `ConflictError` where it has no outputs, which says why.
    """
    experiment = find(session, experiment_id)
    if experiment.state != State.COMPLETED:
        ended = State(experiment.state).ended
        what = "only a completed one has" if ended else "once it is completed it has"
        raise ConflictError(f"experiment {experiment_id} is {experiment.state}: {what} outputs to look at")
    ended_at = next(iter(all_of(session, experiment_id)), None)
    if ended_at is not None and ended_at.has_outputs:
        return ended_at
    if experiment.best_epoch is None:
        raise ConflictError(f"experiment {experiment_id} diverged before it had an epoch to judge: it has no outputs")
    raise ConflictError(
        f"experiment {experiment_id} was completed before outputs were kept, or they were removed to make room: "
        "continue it for an epoch, or reproduce it"
    )


def newest_with_outputs(session: Session, experiment_ids: Collection[str]) -> dict[str, Checkpoint]:
    """Of those that are completed and have any, what `with_outputs` finds."""
    last = (
        sa.select(CheckpointRow.experiment_id, sa.func.max(CheckpointRow.epoch).label("epoch"))
        .where(CheckpointRow.experiment_id.in_(experiment_ids))
        .group_by(CheckpointRow.experiment_id)
        .subquery()
    )
    query = (
        sa.select(CheckpointRow)
        .join(last, sa.and_(CheckpointRow.experiment_id == last.c.experiment_id, CheckpointRow.epoch == last.c.epoch))
        .join(ExperimentRow, ExperimentRow.id == CheckpointRow.experiment_id)
        .where(ExperimentRow.state == State.COMPLETED)
    )
    found = [records.checkpoint(row) for row in session.scalars(query)]
    return {checkpoint.experiment_id: checkpoint for checkpoint in found if checkpoint.has_outputs}


def listing(session: Session, experiment_id: str) -> CheckpointList:
    """What `named` finds."""
    experiment = find(session, experiment_id)
    by_name = _names(session, experiment, all_of(session, experiment_id))
    return CheckpointList(items=tuple(_listed(name, checkpoint) for name, checkpoint in by_name.items()))


def _names(session: Session, experiment: ExperimentRow, stored: tuple[Checkpoint, ...]) -> dict[str, Checkpoint]:
    """`best` is the best of those stored, as a run that is not completed may have had a better epoch than it published.

    A completed one has its best epoch or, where its spec keeps the last alone, none by that name.
    """
    by_epoch = {str(checkpoint.epoch): checkpoint for checkpoint in stored}
    names: dict[str, Checkpoint] = {}
    best = by_epoch.get(str(_best_epoch(session, experiment, stored)))
    if best is not None:
        names["best"] = best
    if stored:
        names["last"] = stored[0]
    return names | by_epoch


def _best_epoch(session: Session, experiment: ExperimentRow, stored: tuple[Checkpoint, ...]) -> int | None:
    if experiment.state == State.COMPLETED:
        return experiment.best_epoch
    spec = ExperimentSpec.model_validate(experiment.spec)
    epochs = sa.select(EpochRow).where(
        EpochRow.experiment_id == experiment.id, EpochRow.epoch.in_([checkpoint.epoch for checkpoint in stored])
    )
    selection = Selection()
    for row in session.scalars(epochs.order_by(EpochRow.epoch)):
        selection = selection.after(records.epoch(row), spec=spec)
    return selection.best_epoch


def _listed(name: str, checkpoint: Checkpoint) -> CheckpointListing:
    weights = checkpoint.weights
    return CheckpointListing(
        name=name,
        epoch=checkpoint.epoch,
        bytes=weights.bytes,
        created_at=checkpoint.created_at,
        sha256=weights.sha256,
    )
