"""The curves of many runs while they grow: one request, with a cursor for each run."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from service import growing
from service.api.answers import as_json
from service.api.compression import Encodings, packed
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import could_exist
from service.api.state import Reading
from service.domain.comparison import MAX_RUNS
from service.domain.curves import GrowingCurves
from service.domain.spec import MAX_EPOCHS

MOST_POINTS = 200_000
"""Of all runs together: of one, all that it may have; of two hundred, a thousand each."""

router = APIRouter(
    prefix="/v1/learning-curves",
    tags=["curves"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


def _cursors(given: list[str]) -> list[str]:
    parts = [part.strip() for each in given for part in each.split(",") if part.strip()]
    if not 1 <= len(parts) <= MAX_RUNS:
        raise PydanticCustomError("out_of_range", f"must be 1 to {MAX_RUNS} ids, with commas between")
    for part in parts:
        experiment_id, colon, epoch = part.partition(":")
        could_exist("experiment")(experiment_id)
        if colon and not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 5 and int(epoch) <= MAX_EPOCHS):
            raise PydanticCustomError("out_of_range", f"after the colon of an id must be an epoch, 0 to {MAX_EPOCHS:,}")
    return parts


Cursors = Annotated[
    list[str],
    Query(
        description=f"The experiments' ids, separated by commas: 1 to {MAX_RUNS}; after a colon, the newest epoch that "
        "is known of it"
    ),
    AfterValidator(_cursors),
]


@router.get("", response_model=GrowingCurves, responses={304: {"description": "Nothing is newer"}})
def newer(
    *,
    ids: Cursors,
    session: Reading,
    points: Annotated[int, Query(ge=2, le=MAX_EPOCHS, description="Epochs of a run, at most some")] = 1_000,
    if_none_match: Annotated[str | None, Header()] = None,
    encodings: Encodings = None,
) -> Response:
    """What is new of each run since the epoch that is known of it, and how it stands."""
    after = {found: int(epoch or 0) for found, _, epoch in (part.partition(":") for part in ids)}
    points = min(points, MOST_POINTS // len(after))
    revisions = growing.revisions(session, after)
    asked = hashlib.sha256(f"{after} {revisions} {points}".encode()).hexdigest()
    headers = {"ETag": f'"{asked[:32]}"', "Cache-Control": "no-cache"}
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    answer = as_json(growing.grown(session, after, revisions, points=points))
    answer.headers.update(headers)
    return packed(answer, encodings)
