"""Rows of the registry: models, their versions and their aliases; the files are `service/model_files.py`'s."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.domain.checkpoint import Checkpoint
from service.domain.registry import (
    CHAMPION,
    MOST_MODELS,
    MOST_VERSIONS,
    ModelList,
    ModelSummary,
    ModelVersion,
    RegisteredModel,
    VersionFacts,
    links,
)
from service.errors import ConflictError, NotFoundError
from service.storage import aliases, model_records
from service.storage.tables import ModelRow, ModelVersionRow


@dataclass(frozen=True)
class StoredVersion:
    """A version, and where its files lie."""

    version: ModelVersion
    checkpoint: Checkpoint


def hold(session: Session, model: str, *, owner: str | None, now: datetime) -> None:
    """Make the model where there is none, as this owner's; until the transaction ends, nobody else changes it.

    `ConflictError` where there are too many models.
    """
    if _locked(session, model) is None:
        if _count(session, ModelRow) >= MOST_MODELS:
            raise ConflictError(f"there are {MOST_MODELS:,} models, which is the most there may be")
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        made = dialect.insert(ModelRow).values(name=model, owner=owner, last_version=0, created_at=now)
        session.execute(made.on_conflict_do_nothing())  # another transaction may have made it, which PostgreSQL awaits
        _locked(session, model)


def next_number(session: Session, model: str) -> int:
    """The number of the version that is about to be added, after `hold`; `ConflictError` where there are too many."""
    row = _find(session, model)
    if _count(session, ModelVersionRow, ModelVersionRow.model == model) >= MOST_VERSIONS:
        raise ConflictError(f"model {model} has {MOST_VERSIONS:,} versions, which is the most there may be")
    row.last_version += 1
    session.flush()
    return row.last_version


def add(
    session: Session,
    model: str,
    version: int,
    *,
    facts: VersionFacts,
    stored: Checkpoint,
    description: str | None,
    owner: str | None,
) -> ModelVersion:
    """Store the version whose files are in place, in the transaction of `hold`."""
    row = ModelVersionRow(
        id=stored.id,
        model=model,
        version=version,
        description=description,
        owner=owner,
        facts=facts.model_dump(mode="json"),
        folder=stored.folder,
        files=[file.model_dump() for file in stored.files],
        created_at=stored.created_at,
    )
    session.add(row)
    session.flush()
    return model_records.version(row, aliases={})


def newest(session: Session, model: str) -> ModelVersion | None:
    """The version of the highest number; None where there is none, or no such model."""
    row = session.scalars(_versions(model).limit(1)).first()
    return None if row is None else model_records.version(row, aliases=aliases.of(session, model))


def count(session: Session) -> int:
    """How many models there are."""
    return _count(session, ModelRow)


def listing(session: Session) -> ModelList:
    """All models, by name."""
    return ModelList(
        items=tuple(_summary(session, row) for row in session.scalars(sa.select(ModelRow).order_by(ModelRow.name)))
    )


def get(session: Session, model: str) -> RegisteredModel:
    """The model with all its versions; `NotFoundError` where there is none of that name."""
    row, pointing = _find(session, model), aliases.of(session, model)
    return RegisteredModel(
        name=row.name,
        created_at=row.created_at,
        aliases=pointing,
        versions=tuple(model_records.version(each, aliases=pointing) for each in session.scalars(_versions(model))),
        links=links(model),
    )


def version(session: Session, model: str, number: int) -> ModelVersion:
    """One version; `NotFoundError` where the model has none of that number."""
    return model_records.version(_find_version(session, model, number), aliases=aliases.of(session, model))


def chosen(session: Session, model: str, choice: int | str | None) -> StoredVersion:
    """The version of this number or alias; of neither, the champion or, where there is none, the newest.

    `NotFoundError` where there is no such model, version or alias.
    """
    pointing = aliases.of(session, model)
    number = choice if isinstance(choice, int) else pointing.get(choice or CHAMPION)
    if isinstance(choice, str) and number is None:
        _find(session, model)
        known = f"its aliases are: {', '.join(pointing)}" if pointing else "it has none"
        raise NotFoundError(f"model {model!r} has no alias {choice!r}; {known}")
    row = session.scalars(_versions(model).limit(1)).first() if number is None else None
    if row is None:
        if number is None:
            _find(session, model)
            raise NotFoundError(f"model {model!r} has no version")
        row = _find_version(session, model, number)
    return StoredVersion(model_records.version(row, aliases=pointing), model_records.checkpoint(row))


def folders(session: Session) -> set[str]:
    """Where the files of all versions lie."""
    return {*session.scalars(sa.select(ModelVersionRow.folder))}


def delete_version(session: Session, model: str, number: int) -> Checkpoint:
    """Remove a version's row; the caller removes the files. `ConflictError` while an alias points at it."""
    _locked(session, model)
    row = _find_version(session, model, number)
    names = [alias for alias, target in aliases.of(session, model).items() if target == number]
    if names:
        raise ConflictError(f"version {number} of model {model} is {_listed(names)}: point it elsewhere or delete it")
    session.delete(row)
    return model_records.checkpoint(row)


def delete(session: Session, model: str) -> tuple[Checkpoint, ...]:
    """Remove a model and its versions; the caller removes the files. `ConflictError` while it has an alias."""
    row = _locked(session, model) or _find(session, model)
    if names := [*aliases.of(session, model)]:
        raise ConflictError(f"model {model} has {_listed(names)}: delete it first")
    gone = tuple(model_records.checkpoint(each) for each in session.scalars(_versions(model)))
    session.delete(row)
    return gone


def set_alias(session: Session, model: str, alias: str, number: int, *, owner: str | None, now: datetime) -> None:
    """Let it point at this version; `NotFoundError` where there is none."""
    _locked(session, model)
    _find_version(session, model, number)
    if aliases.of(session, model).get(alias) != number:
        aliases.record(session, model, alias, action="set", version=number, owner=owner, now=now)


def change_alias(
    session: Session, model: str, alias: str, *, action: Literal["rollback", "delete"], owner: str | None, now: datetime
) -> None:
    """Let it point at what it pointed at before, or at nothing.

    `NotFoundError` where there is no such alias, `ConflictError` where it never pointed at another that is still there.
    """
    _locked(session, model)
    target = None
    if action == "rollback":
        known = session.scalars(sa.select(ModelVersionRow.version).where(ModelVersionRow.model == model))
        target = aliases.before(session, model, alias, known=frozenset(known))
    else:
        aliases.get(session, model, alias)
    aliases.record(session, model, alias, action=action, version=target, owner=owner, now=now)


def _summary(session: Session, row: ModelRow) -> ModelSummary:
    return ModelSummary(
        name=row.name,
        created_at=row.created_at,
        versions=_count(session, ModelVersionRow, ModelVersionRow.model == row.name),
        aliases=aliases.of(session, row.name),
        newest=newest(session, row.name),
    )


def _versions(model: str) -> sa.Select[ModelVersionRow]:
    query = sa.select(ModelVersionRow).where(ModelVersionRow.model == model)
    return query.order_by(ModelVersionRow.version.desc())


def _find(session: Session, model: str) -> ModelRow:
    row = session.get(ModelRow, model)
    if row is None:
        raise NotFoundError(f"there is no model {model!r}")
    return row


def _find_version(session: Session, model: str, number: int) -> ModelVersionRow:
    row = session.scalars(_versions(model).where(ModelVersionRow.version == number)).first()
    if row is None:
        _find(session, model)
        raise NotFoundError(f"model {model!r} has no version {number}")
    return row


def _locked(session: Session, model: str) -> ModelRow | None:
    """The row, which another transaction cannot change until this one ends; on SQLite no other is there anyway."""
    return session.scalars(sa.select(ModelRow).where(ModelRow.name == model).with_for_update()).first()


def _count(session: Session, table: type[ModelRow | ModelVersionRow], *which: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table).where(*which)) or 0


def _listed(names: list[str]) -> str:
    return ("the alias " if len(names) == 1 else "the aliases ") + ", ".join(names)
