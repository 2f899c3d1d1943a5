"""What people write about an experiment, beside what the rules find in its curves."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from service.domain.record import Record

MAX_CHARACTERS = 10_000
MOST_NOTES = 1_000
"""Of one experiment."""

_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _readable(text: str) -> str:
    """Line breaks and tabs are text; what a terminal would act on, or no database and no file can hold, is none."""
    if found := _NO_TEXT.search(text):
        raise PydanticCustomError(
            "not_printable", "must be text: it has the character {code}", {"code": f"U+{ord(found.group()):04X}"}
        )
    if not text.strip():
        raise PydanticCustomError("blank", "must hold more than blanks")
    return text


NoteText = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS, strict=True), AfterValidator(_readable)]


class NewNote(Record):
    """What is posted."""

    text: NoteText


class Note(Record):
    """A stored note; it goes with its experiment."""

    id: str
    """Sorts by time."""
    experiment_id: str
    author: str | None
    """Whom the request named as the owner; there is no proof of it."""
    text: str
    created_at: datetime


class NotePage(Record):
    """What `GET /v1/experiments/{id}/notes` answers."""

    items: tuple[Note, ...]
    """The newest last."""
    next_cursor: str | None
    """Null on the last page."""
    total: int
