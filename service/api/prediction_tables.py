"""Predictions as lines, CSV or NDJSON, sent on as the network is done with them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from service.analysis import prediction_table
from service.api.tables import MEDIA_TYPES, Format
from service.domain.prediction import Prediction
from service.domain.prediction_line import PredictionLine, line
from service.inference.predict import RUN_AT_ONCE

Read = Callable[[], Iterator[Prediction]]
"""Work for a thread: all images are decoded by the time the first prediction is there."""


async def answer(read: Read, *, chosen: Format, names: Sequence[str | None]) -> Response:
    """A line an image.

    What is wrong with the request or with one of its images is a problem as it is for JSON, since the answer begins
    after the last image was decoded. Nothing but a failure of the service itself comes later, and that cuts the
    connection before the end of the chunked body, which every client tells from a whole answer.
    """
    predictions = await run_in_threadpool(_begun, read)
    lines = (line(place, each, name=_at(names, place)) for place, each in enumerate(predictions))
    return StreamingResponse(_written(lines, chosen), media_type=MEDIA_TYPES[chosen])


def _begun(read: Read) -> Iterator[Prediction]:
    predictions = read()
    first = next(predictions)
    return chain([first], predictions)


def _written(lines: Iterator[PredictionLine], chosen: Format) -> Iterator[str]:
    is_first = True
    while part := [*islice(lines, RUN_AT_ONCE)]:
        if chosen is Format.NDJSON:
            yield "".join(f"{each.model_dump_json()}\n" for each in part)
            continue
        if is_first:
            yield prediction_table.header(classes=len(part[0].probabilities))
        is_first = False
        yield prediction_table.rows(part)


def _at(names: Sequence[str | None], place: int) -> str | None:
    return names[place] if names else None
