"""A record as an answer."""

import orjson
from fastapi import Response

from service.domain.record import Record


def as_json(record: Record) -> Response:
    """Written by pydantic at once.

    FastAPI's own way checks the record anew, in a thread of its own, and goes through Python's json: of a list of fifty
    experiments it took half the time. The route names the record as its `response_model`, for the documentation.
    """
    return Response(record.model_dump_json(), media_type="application/json")


def written(record: Record) -> bytes:
    """As JSON, in a fifth of the time: of a small record with fields as they stand, and floats that are finite."""
    return orjson.dumps(record, default=vars)
