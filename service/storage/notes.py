"""Notes: added, read page by page, removed."""

import base64
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.note import MOST_NOTES, Example, Note, NotePage
from service.errors import ConflictError, NotFoundError
from service.storage import experiments
from service.storage.tables import NoteRow


def add(
    session: Session,
    experiment_id: str,
    *,
    note_id: str,
    author: str | None,
    text: str,
    now: datetime,
    example: Example | None = None,
) -> Note:
    """Store a note; `NotFoundError` where there is no such experiment, `ConflictError` where it has too many."""
    experiments.find(session, experiment_id)
    if count(session, experiment_id) >= MOST_NOTES:
        raise ConflictError(f"experiment {experiment_id} has {MOST_NOTES:,} notes, which is the most there may be")
    row = NoteRow(id=note_id, experiment_id=experiment_id, author=author, text=text, created_at=now)
    if example is not None:
        row.example_image, row.example_label = base64.b64decode(example.image), example.label
    session.add(row)
    session.flush()
    return _record(row)


def page(session: Session, experiment_id: str, *, limit: int, after: str | None = None) -> NotePage:
    """The oldest `limit` notes after the one with this id; `NotFoundError` as `add`."""
    experiments.find(session, experiment_id)
    # Ids are UUIDv7: their order is that of time, and a page begins where the last ended whatever came or went between.
    query = sa.select(NoteRow).where(NoteRow.experiment_id == experiment_id, NoteRow.id > (after or ""))
    rows = [*session.scalars(query.order_by(NoteRow.id).limit(limit + 1))]
    shown = rows[:limit]
    return NotePage(
        items=tuple(_record(row) for row in shown),
        next_cursor=shown[-1].id if len(rows) > limit else None,
        total=count(session, experiment_id),
    )


def texts(session: Session, experiment_ids: Collection[str], *, limit: int) -> dict[str, list[str]]:
    """What the oldest `limit` notes of each of these experiments say."""
    place = sa.func.row_number().over(partition_by=NoteRow.experiment_id, order_by=NoteRow.id)
    query = sa.select(NoteRow.experiment_id, NoteRow.text, place.label("place"))
    numbered = query.where(NoteRow.experiment_id.in_(experiment_ids)).subquery()
    shown = sa.select(numbered.c.experiment_id, numbered.c.text).where(numbered.c.place <= limit)
    found: dict[str, list[str]] = {each: [] for each in experiment_ids}
    for experiment_id, text in session.execute(shown.order_by(numbered.c.experiment_id, numbered.c.place)):
        found[experiment_id].append(text)
    return found


def get(session: Session, experiment_id: str, note_id: str) -> Note:
    """One note; `NotFoundError` where the experiment has no such note."""
    return _record(_find(session, experiment_id, note_id))


def delete(session: Session, experiment_id: str, note_id: str) -> None:
    """Remove it; `NotFoundError` as `get`."""
    session.delete(_find(session, experiment_id, note_id))


def _find(session: Session, experiment_id: str, note_id: str) -> NoteRow:
    row = session.get(NoteRow, note_id)
    if row is None or row.experiment_id != experiment_id:
        raise NotFoundError(f"experiment {experiment_id!r} has no note {note_id!r}")
    return row


def count(session: Session, experiment_id: str) -> int:
    """How many an experiment has."""
    query = sa.select(sa.func.count()).select_from(NoteRow).where(NoteRow.experiment_id == experiment_id)
    return session.scalar(query) or 0


def _record(row: NoteRow) -> Note:
    return Note(
        id=row.id,
        experiment_id=row.experiment_id,
        author=row.author,
        text=row.text,
        example=_example(row.example_image, row.example_label),
        created_at=row.created_at,
    )


def _example(image: bytes | None, label: int | None) -> Example | None:
    if image is None or label is None:
        return None
    return Example(image=base64.b64encode(image).decode(), label=label)
