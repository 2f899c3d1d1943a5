"""Parameters that several resources share: what they may be, and what is answered where they are not."""

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, Depends, Header, Path, Query, Request
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from service.api import credentials, examples
from service.domain.checkpoint import CHOICE, CHOICE_IN_WORDS
from service.domain.diagnostics import MOST_COMPARED
from service.domain.evaluation import MAX_ROWS
from service.domain.registry import ALIAS, LARGEST_VERSION, MODEL_NAME
from service.domain.spec import ExperimentSpec
from service.domain.splits import SplitName
from service.errors import NotFoundError

MOST_SIDE_BY_SIDE = 8
"""Runs whose readings of one image fit beside each other."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def could_exist(what: str, pattern: re.Pattern[str] = _ID) -> Callable[[str], str]:
    """What is no id names nothing; it never gets as far as the database."""

    def check(given: str) -> str:
        if not pattern.fullmatch(given):
            raise NotFoundError(f"there is no {what} {given[:60]!r}")
        return given

    return check


def _divided(given: list[str]) -> list[str]:
    """An empty one is none, as after a last comma."""
    return [each.strip() for part in given for each in part.split(",") if each.strip()]


def _few_ids(given: list[str]) -> list[str]:
    """Whether they come as `ids=a,b` or as `ids=a&ids=b`."""
    ids = _divided(given)
    if not 2 <= len(ids) <= MOST_SIDE_BY_SIDE or len({*ids}) < len(ids):
        raise PydanticCustomError(
            "out_of_range", f"must be 2 to {MOST_SIDE_BY_SIDE} different ids, with commas between"
        )
    return [*map(could_exist("experiment"), ids)]


def _many_ids(most: int) -> Callable[[list[str]], list[str]]:
    """As `_few_ids`; one alone will do, and a repeated one counts once."""

    def check(given: list[str]) -> list[str]:
        ids = [*dict.fromkeys(_divided(given))]
        if not 1 <= len(ids) <= most:
            raise PydanticCustomError("out_of_range", f"must be 1 to {most} ids, with commas between")
        return [*map(could_exist("experiment"), ids)]

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


ExperimentId = Annotated[str, AfterValidator(could_exist("experiment")), Path(description="The experiment's id")]
CheckpointChoice = Annotated[str, Query(pattern=CHOICE, description=CHOICE_IN_WORDS)]
NoteId = Annotated[str, AfterValidator(could_exist("note")), Path(description="The note's id")]
NoteCursor = Annotated[str | None, Query(pattern=f"^{_ID.pattern}$", description="`next_cursor` of the page before")]
EvaluationId = Annotated[str, AfterValidator(could_exist("evaluation")), Path(description="The evaluation's id")]
ModelName = Annotated[
    str, AfterValidator(could_exist("model", re.compile(MODEL_NAME))), Path(description="The model's name")
]
NewModelName = Annotated[
    str, Path(pattern=f"^{MODEL_NAME}$", description="Small letters, digits and `._-`, of which the first is no sign")
]
AliasName = Annotated[
    str, AfterValidator(could_exist("alias", re.compile(ALIAS))), Path(description="The alias, such as `champion`")
]
NewAliasName = Annotated[
    str, Path(pattern=f"^{ALIAS}$", description="Small letters, digits and `._-`, of which the first is a letter")
]
VersionNumber = Annotated[int, Path(ge=1, le=LARGEST_VERSION, description="The version's number")]
TokenId = Annotated[str, AfterValidator(could_exist("token")), Path(description="The token's id")]
ShareId = Annotated[str, AfterValidator(could_exist("link")), Path(description="The link's id")]
SweepId = Annotated[str, AfterValidator(could_exist("sweep")), Path(description="The sweep's id")]
FewIds = Annotated[
    list[str], Query(description="The experiments' ids, separated by commas: 2 to 8"), AfterValidator(_few_ids)
]
ManyIds = Annotated[
    list[str],
    Query(description="The experiments' ids, separated by commas: 1 to 100"),
    AfterValidator(_many_ids(MAX_ROWS)),
]
LookedIntoIds = Annotated[
    list[str],
    Query(description="The experiments' ids, separated by commas: 1 to 20"),
    AfterValidator(_many_ids(MOST_COMPARED)),
]
Judged = Annotated[SplitName, Query(description="The test split, or the one that the best epoch was chosen by")]
ClassNumber = Annotated[int | None, Query(ge=0, description="A class, by its place in `labels`")]
ImageLimit = Annotated[int, Query(ge=1, le=500, description="Images in the answer")]
ImageIndex = Annotated[int, Path(ge=0, description="The image's place in its split")]
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
Word = Annotated[str, Query(min_length=1, max_length=200), AfterValidator(_printable)]
_Named = Annotated[
    str | None,
    Header(
        alias="X-Ardoise-Owner",
        min_length=1,
        max_length=200,
        description="Whose what is sent is, where there are no tokens; a token says so itself, and its word counts",
    ),
    AfterValidator(lambda owner: None if owner is None else _as_sent(owner)),
]


async def _owner(request: Request, named: _Named = None) -> str | None:
    token = credentials.bearer(request.scope)
    return named if token is None else token.owner


Owner = Annotated[str | None, Depends(_owner)]
"""Whose what is sent is: owners take turns fairly, and sign notes."""
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
