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


class NewExample(Record):
    """A digit that somebody drew or photographed, and what it is."""

    image: Annotated[str, Field(min_length=1)]
    """A whole image file as predictions take it, in base64; 48 KB at most, as no more than 64 KB of JSON is read."""
    label: Annotated[int, Field(strict=True, ge=0)]
    """The class by number, as in the run's data set."""


class NewNote(Record):
    """What is posted."""

    text: NoteText
    example: NewExample | None = None


class Example(Record):
    """The same as it is kept."""

    image: str
    """PNG, base64: grey and upright as it was decoded, its longer side reduced to 256 pixels where it had more. A
    picture that needed no reducing is read exactly as the file that was sent."""
    label: int


class Note(Record):
    """A stored note; it goes with its experiment."""

    id: str
    """Sorts by time."""
    experiment_id: str
    author: str | None
    """The token's owner; on an open service whom the request named, of which there is no proof."""
    text: str
    example: Example | None = None
    created_at: datetime


class NotePage(Record):
    """What `GET /v1/experiments/{id}/notes` answers."""

    items: tuple[Note, ...]
    """The newest last."""
    next_cursor: str | None
    """Null on the last page."""
    total: int
