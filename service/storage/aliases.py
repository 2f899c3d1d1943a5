"""Aliases of a model's versions: each change is a row, and the newest row of an alias says what it points at."""

from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain import registry
from service.domain.registry import Alias, AliasChange
from service.errors import ConflictError, NotFoundError
from service.storage.tables import ModelAliasRow, ModelRow


def of(session: Session, model: str) -> dict[str, int]:
    """Those that are set, by name, each with the version that it points at."""
    newest = sa.select(sa.func.max(ModelAliasRow.id)).where(ModelAliasRow.model == model).group_by(ModelAliasRow.alias)
    query = sa.select(ModelAliasRow.alias, ModelAliasRow.version).where(ModelAliasRow.id.in_(newest))
    rows = session.execute(query.order_by(ModelAliasRow.alias))
    return {row.alias: row.version for row in rows if row.version is not None}


def get(session: Session, model: str, alias: str) -> Alias:
    """One with its history; `NotFoundError` where it is not set."""
    changes = _changes(session, model, alias)
    version = changes[-1].version if changes else None
    if version is None:
        if session.get(ModelRow, model) is None:
            raise NotFoundError(f"there is no model {model!r}")
        raise NotFoundError(f"model {model!r} has no alias {alias!r}")
    return Alias(model=model, alias=alias, version=version, history=changes)


def before(session: Session, model: str, alias: str, *, known: frozenset[int]) -> int:
    """What it pointed at before, of these versions; `NotFoundError` as `get`, `ConflictError` where there is none."""
    found = get(session, model, alias)
    earlier = registry.before(found.history, known=known)
    if earlier is None:
        raise ConflictError(f"alias {alias} of model {model} pointed at no other version that is still there")
    return earlier


def record(
    session: Session,
    model: str,
    alias: str,
    *,
    action: Literal["set", "rollback", "delete"],
    version: int | None,
    owner: str | None,
    now: datetime,
) -> None:
    """Add a change; it holds from then on."""
    session.add(ModelAliasRow(model=model, alias=alias, action=action, version=version, owner=owner, changed_at=now))
    session.flush()


def _changes(session: Session, model: str, alias: str) -> tuple[AliasChange, ...]:
    query = sa.select(ModelAliasRow).where(ModelAliasRow.model == model, ModelAliasRow.alias == alias)
    return tuple(
        AliasChange.model_validate(
            {"action": row.action, "version": row.version, "owner": row.owner, "changed_at": row.changed_at}
        )
        for row in session.scalars(query.order_by(ModelAliasRow.id))
    )
