"""Epoch rows: stored by the attempt that owns the run, read by anyone."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from service.domain.metrics import EpochMetrics
from service.storage.tables import EpochRow

GROWING = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")
"""What `growth` reads of an epoch, in this order, before the seconds."""

# Columns, not rows of the session: ten thousand of these take twice as long.
_FIELDS = tuple(EpochMetrics.model_fields)
_COLUMNS = [getattr(EpochRow, name) for name in _FIELDS]


def record(session: Session, experiment_id: str, epochs: Sequence[EpochMetrics]) -> None:
    """Store epochs after `queue.guard` in the same transaction.

    An epoch that is there already is replaced: a resumed run goes through the epochs after its checkpoint again, and
    its figures are those of the weights that it ends with.
    """
    if not epochs:
        return
    # Rows as parameters, not as VALUES: a statement may have 32,766 of these on SQLite, and is compiled once this way.
    session.execute(
        _upsert(session.get_bind().dialect.name),
        [{"experiment_id": experiment_id, **epoch.model_dump()} for epoch in epochs],
    )


@cache
def _upsert(dialect: str) -> sa.Executable:
    """The statement, put together once."""
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = insert(EpochRow)
    figures = {name: statement.excluded[name] for name in EpochMetrics.model_fields if name != "epoch"}
    return statement.on_conflict_do_update(index_elements=["experiment_id", "epoch"], set_=figures)


def epochs(
    session: Session, experiment_id: str, *, after: int = 0, up_to: int | None = None
) -> tuple[EpochMetrics, ...]:
    """The epoch rows with `after` < epoch <= `up_to`, ascending."""
    query = sa.select(*_COLUMNS).where(EpochRow.experiment_id == experiment_id, EpochRow.epoch > after)
    if up_to is not None:
        query = query.where(EpochRow.epoch <= up_to)
    return tuple(map(_epoch, session.execute(query.order_by(EpochRow.epoch))))


def epochs_of_each(session: Session, experiment_ids: Collection[str]) -> dict[str, list[EpochMetrics]]:
    """All rows of these experiments, ascending."""
    query = sa.select(EpochRow.experiment_id, *_COLUMNS).where(EpochRow.experiment_id.in_(experiment_ids))
    found: dict[str, list[EpochMetrics]] = {each: [] for each in experiment_ids}
    for experiment_id, *values in session.execute(query.order_by(EpochRow.experiment_id, EpochRow.epoch)):
        found[experiment_id].append(_epoch(values))
    return found


def _epoch(values: Iterable[Any]) -> EpochMetrics:
    """Of a row of `_COLUMNS`."""
    return EpochMetrics(**dict(zip(_FIELDS, values, strict=True)))


def figures(
    session: Session,
    experiment_ids: Collection[str],
    *,
    every: int,
    last: int,
    besides: Collection[tuple[str, int]] = (),
) -> dict[str, dict[int, tuple[float | None, ...]]]:
    """By experiment and epoch, training loss and accuracy, then validation's: every so many epochs, the first, `last`.

    And those `besides`, by experiment and epoch. Plain tuples, as a comparison reads tens of thousands of them.
    """
    columns = (EpochRow.train_loss, EpochRow.train_accuracy, EpochRow.val_loss, EpochRow.val_accuracy)
    query = sa.select(EpochRow.experiment_id, EpochRow.epoch, *columns).where(
        EpochRow.experiment_id.in_(experiment_ids),
        sa.or_(
            EpochRow.epoch % every == 0,
            EpochRow.epoch.in_((1, last)),
            sa.tuple_(EpochRow.experiment_id, EpochRow.epoch).in_(besides) if besides else sa.false(),
        ),
    )
    found: dict[str, dict[int, tuple[float | None, ...]]] = {each: {} for each in experiment_ids}
    for experiment_id, epoch, *values in session.execute(query):
        found[experiment_id][epoch] = tuple(values)
    return found


def growth(session: Session, experiment_id: str, *, after: int, every: int) -> tuple[tuple[Any, ...], ...]:
    """What `GROWING` names, and the seconds of training since `after`: every so many epochs, the first, the last."""
    passed = sa.func.sum(EpochRow.epoch_seconds).over(order_by=EpochRow.epoch)
    later = (
        sa.select(*(getattr(EpochRow, name) for name in GROWING), passed.label("seconds"))
        .where(EpochRow.experiment_id == experiment_id, EpochRow.epoch > after)
        .subquery()
    )
    epoch = later.c.epoch
    listed = sa.or_(epoch % every == 0, epoch == 1, epoch == sa.select(sa.func.max(epoch)).scalar_subquery())
    query = sa.select(later) if every == 1 else sa.select(later).where(listed)
    return tuple(map(tuple, session.execute(query.order_by(epoch))))


def seconds(session: Session, experiment_ids: Collection[str]) -> dict[str, float]:
    """The sum over the epochs of each that has any."""
    query = (
        sa.select(EpochRow.experiment_id, sa.func.sum(EpochRow.epoch_seconds))
        .where(EpochRow.experiment_id.in_(experiment_ids))
        .group_by(EpochRow.experiment_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def truncate(session: Session, experiment_id: str, *, after: int) -> None:
    """Remove later epochs: an earlier attempt may have gone on for longer than the one that counts."""
    session.execute(sa.delete(EpochRow).where(EpochRow.experiment_id == experiment_id, EpochRow.epoch > after))
