"""What epochs were looked into and what was seen: stored beside the epoch rows, in the same transactions."""

from collections.abc import Collection, Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from service.domain.diagnostics import EpochDiagnostics
from service.storage.tables import DiagnosticsRow


def record(session: Session, experiment_id: str, looks: Sequence[EpochDiagnostics]) -> None:
    """Store them after `queue.guard` in the same transaction; as epochs are, they are replaced by those of a resumed
    run.
    """
    if not looks:
        return
    session.execute(
        _upsert(session.get_bind().dialect.name),
        [
            {"experiment_id": experiment_id, "epoch": each.epoch, "content": each.model_dump(exclude={"epoch"})}
            for each in looks
        ],
    )


@cache
def _upsert(dialect: str) -> sa.Executable:
    """The statement, put together once."""
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = insert(DiagnosticsRow)
    return statement.on_conflict_do_update(
        index_elements=["experiment_id", "epoch"], set_={"content": statement.excluded.content}
    )


def truncate(session: Session, experiment_id: str, *, after: int) -> None:
    """Remove later ones, as `metrics.truncate` does."""
    which = (DiagnosticsRow.experiment_id == experiment_id, DiagnosticsRow.epoch > after)
    session.execute(sa.delete(DiagnosticsRow).where(*which))


def looks(
    session: Session, experiment_id: str, *, after: int = 0, among: Collection[int] | None = None
) -> tuple[EpochDiagnostics, ...]:
    """Those with `after` < epoch, or only those `among` these epochs, ascending."""
    row = DiagnosticsRow
    query = sa.select(row.epoch, row.content).where(row.experiment_id == experiment_id, row.epoch > after)
    if among is not None:
        query = query.where(row.epoch.in_(among))
    found = session.execute(query.order_by(row.epoch))
    return tuple(EpochDiagnostics.model_validate({"epoch": epoch, **content}) for epoch, content in found)


def epochs(session: Session, experiment_ids: Collection[str]) -> dict[str, tuple[int, ...]]:
    """Which epochs of each experiment were looked into, ascending."""
    row = DiagnosticsRow
    query = sa.select(row.experiment_id, row.epoch).where(row.experiment_id.in_(experiment_ids))
    found: dict[str, list[int]] = {experiment_id: [] for experiment_id in experiment_ids}
    for experiment_id, epoch in session.execute(query.order_by(row.experiment_id, row.epoch)):
        found[experiment_id].append(epoch)
    return {experiment_id: tuple(each) for experiment_id, each in found.items()}
