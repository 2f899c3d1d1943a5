"""Parameters that several resources share: what they may be, and what is answered where they are not."""

import hashlib
import re
from collections.abc import Callable
from typing import Annotated

from fastapi import Body, Depends, Header, Path, Query, Request
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from service.api import examples
from service.domain.spec import ExperimentSpec
from service.errors import NotFoundError

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _could_exist(what: str) -> Callable[[str], str]:
    """What is no id names nothing; it never gets as far as the database."""

    def check(given: str) -> str:
        if not _ID.fullmatch(given):
            raise NotFoundError(f"there is no {what} {given[:60]!r}")
        return given

    return check


def _printable(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("not_printable", "must hold printable characters only")
    return text


def _as_sent(text: str) -> str:
    """A header's bytes, which arrive as if they were Latin-1, read as the UTF-8 that they mostly are."""
    return _printable(text.encode("latin-1", "replace").decode("utf-8", "replace"))


async def _body_sha256(request: Request) -> str:
    return hashlib.sha256(await request.body()).hexdigest()


ExperimentId = Annotated[str, AfterValidator(_could_exist("experiment")), Path(description="The experiment's id")]
SweepId = Annotated[str, AfterValidator(_could_exist("sweep")), Path(description="The sweep's id")]
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
Spec = Annotated[ExperimentSpec, Body(openapi_examples=examples.SPECS)]
BodySha256 = Annotated[str, Depends(_body_sha256)]
