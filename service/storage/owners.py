"""Whose a thing is, by what names it in a path."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import QueryableAttribute, Session

from service.storage.tables import ExperimentRow, ModelRow, NoteRow, TokenRow

Owners = frozenset[str | None]
Find = Callable[[Session, str], Owners | None]


def of(session: Session, named: Mapping[str, str]) -> Owners | None:
    """All whose it is, by the path's parameters, of which the most particular counts; None: there is no such thing.

    What no parameter here names belongs to nobody.
    """
    for parameter, find in _FINDERS.items():
        if parameter in named:
            return find(session, named[parameter])
    return frozenset()


def _of_note(session: Session, note_id: str) -> Owners | None:
    """Its author's, and the owner's of what it is written on."""
    query = sa.select(NoteRow.author, ExperimentRow.owner).join(
        ExperimentRow, NoteRow.experiment_id == ExperimentRow.id
    )
    found = session.execute(query.where(NoteRow.id == note_id)).first()
    return None if found is None else frozenset(found)


def _of(column: QueryableAttribute[Any], key: QueryableAttribute[Any]) -> Find:
    def find(session: Session, given: str) -> Owners | None:
        found = session.scalars(sa.select(column).where(key == given).distinct())
        return frozenset(found) or None

    return find


_FINDERS: dict[str, Find] = {
    "note_id": _of_note,
    "experiment_id": _of(ExperimentRow.owner, ExperimentRow.id),
    "sweep_id": _of(ExperimentRow.owner, ExperimentRow.sweep_id),
    "share_id": _of(TokenRow.owner, TokenRow.id),
    "model": _of(ModelRow.owner, ModelRow.name),
}
