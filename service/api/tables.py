"""Rows in the formats that they are asked for in, and the tag by which a client knows what it has already."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response

from service.analysis import epoch_table
from service.api.following import Snapshot
from service.domain.metrics import EpochPage


class Format(StrEnum):
    """How rows are written."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPES = {Format.JSON: "application/json", Format.CSV: "text/csv", Format.NDJSON: "application/x-ndjson"}


OTHER_FORMATS: dict[str, Any] = {
    "content": {media_type: {"schema": {"type": "string"}} for media_type in ("text/csv", "application/x-ndjson")}
}
"""What OpenAPI says of an answer that is JSON unless another format is asked for."""


def answer(
    found: Snapshot, *, asked: Format | None, accept: str | None, after: int, if_none_match: str | None
) -> Response:
    """The rows in the format asked for, else the first acceptable one; 304 where the client has them already."""
    chosen = choose(asked, accept=accept)
    headers = {
        "ETag": f'"{found.experiment.id}.{found.revision}.{after}.{chosen}"',
        "Vary": "Accept",
        "Cache-Control": "no-cache",
    }
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if headers["ETag"] in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(_written(found, chosen), headers=headers, media_type=MEDIA_TYPES[chosen])


def _written(found: Snapshot, chosen: Format) -> str:
    match chosen:
        case Format.CSV:
            return epoch_table.as_csv(found.epochs)
        case Format.NDJSON:
            return "".join(f"{row.model_dump_json()}\n" for row in found.epochs)
        case Format.JSON:
            return EpochPage(
                experiment_id=found.experiment.id, state=found.experiment.state, items=found.epochs
            ).model_dump_json()


def choose(asked: Format | None, *, accept: str | None) -> Format:
    """The format asked for, else the first that the header `Accept` names, else JSON.

    Quality values are not weighed, as nobody sends them for these.
    """
    if asked is not None:
        return asked
    named = [part.partition(";")[0].strip() for part in (accept or "").split(",")]
    found = [name for media in named for name, known in MEDIA_TYPES.items() if known == media]
    return found[0] if found else Format.JSON


async def _chosen(
    format: Annotated[Format | None, Query()] = None,  # noqa: A002  # as it is called in the query
    accept: Annotated[str | None, Header()] = None,
) -> Format:
    return choose(format, accept=accept)


Chosen = Annotated[Format, Depends(_chosen)]
"""The format of an answer, by the query or the header."""
