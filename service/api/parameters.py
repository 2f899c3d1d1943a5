"""Parameters that several resources share: what they may be, and what is answered where they are not."""

import hashlib
import re
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from service.errors import NotFoundError

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _could_exist(experiment_id: str) -> str:
    """What is no id names no experiment; it never gets as far as the database."""
    if not _ID.fullmatch(experiment_id):
        raise NotFoundError(f"there is no experiment {experiment_id[:60]!r}")
    return experiment_id


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "must hold printable characters only")
    return text


def _as_sent(text: str) -> str:
    """A header's bytes, which arrive as if they were Latin-1, read as the UTF-8 that they mostly are."""
    return _printable(text.encode("latin-1", "replace").decode("utf-8", "replace"))


async def _body_sha256(request: Request) -> str:
    return hashlib.sha256(await request.body()).hexdigest()


ExperimentId = Annotated[str, AfterValidator(_could_exist), Path(description="The experiment's id")]
Word = Annotated[str, Query(min_length=1, max_length=200), AfterValidator(_printable)]
Owner = Annotated[
    str | None,
    Header(
        alias="X-Ardoise-Owner",
        min_length=1,
        max_length=200,
        description="Whose the new experiment is: owners take turns fairly. There is no proof of it yet.",
    ),
    AfterValidator(lambda owner: None if owner is None else _as_sent(owner)),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Makes a repeat safe: the same key and body answer the same experiment",
    ),
]
BodySha256 = Annotated[str, Depends(_body_sha256)]
