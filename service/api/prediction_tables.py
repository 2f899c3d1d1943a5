"""Predictions as lines, CSV or NDJSON, sent on as the network is done with them."""

from collections.abc import AsyncIterator, Sequence

from fastapi import Response
from fastapi.responses import StreamingResponse

from service.analysis import prediction_table
from service.api.tables import MEDIA_TYPES, Format
from service.domain.prediction import Prediction
from service.domain.prediction_line import line

Parts = AsyncIterator[tuple[Prediction, ...]]


async def answer(parts: Parts, *, chosen: Format, names: Sequence[str | None]) -> Response:
    """A line an image.

    What is wrong with the request or with one of its images is a problem as it is for JSON, since the answer begins
    once all are decoded and some are read. Nothing but a failure of the service itself comes later, and that cuts the
    connection before the end of the chunked body, which every client tells from a whole answer.
    """
    first = await anext(parts)
    return StreamingResponse(_written(_whole(first, parts), chosen, names), media_type=MEDIA_TYPES[chosen])


async def _whole(first: tuple[Prediction, ...], rest: Parts) -> Parts:
    yield first
    async for part in rest:
        yield part


async def _written(parts: Parts, chosen: Format, names: Sequence[str | None]) -> AsyncIterator[str]:
    place = 0
    async for part in parts:
        if place == 0 and chosen is Format.CSV:
            yield prediction_table.header(classes=len(part[0].probabilities))
        lines = [line(at, each, name=_at(names, at)) for at, each in enumerate(part, start=place)]
        if chosen is Format.CSV:
            yield prediction_table.rows(lines)
        else:
            yield "".join(f"{each.model_dump_json()}\n" for each in lines)
        place += len(part)


def _at(names: Sequence[str | None], place: int) -> str | None:
    return names[place] if names else None
