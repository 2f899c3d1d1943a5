"""Bodies that hold images: a raw file, a form with files, or JSON."""

from collections.abc import Callable, Iterator
from functools import partial

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from service.api import json_bodies
from service.domain.prediction import MAX_IMAGES, PredictionRequest
from service.inference import images
from service.inference.decode import MEDIA_TYPES, Picture, check_media_type

PART = "image"

Pictures = Callable[[], Iterator[Picture]]
"""Decodes when called, which is work for a thread."""

BODY_DOCUMENTATION = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/PredictionRequest"},
                "example": {"pixels": [[0, 0, 0], [0, 255, 0], [0, 255, 0], [0, 0, 0]]},
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {PART: {"type": "array", "items": {"type": "string", "format": "binary"}}},
                    "required": [PART],
                }
            },
        }
        | {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES},
    }
}


async def pictures(request: Request) -> Pictures:
    """What the body holds; an unknown media type is refused before the body is read."""
    content_type = request.headers.get("Content-Type")
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        return partial(_from_json, await request.body())
    if media_type == "multipart/form-data":
        return partial(images.from_files, await _files(request))
    check_media_type(content_type)
    return partial(images.from_files, [(await request.body(), content_type)])


def _from_json(body: bytes) -> Iterator[Picture]:
    document = json_bodies.parse(body)
    try:
        sent = PredictionRequest.model_validate(document)
    except ValidationError as error:
        located = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(located, body=document) from error
    return images.from_request(sent)


async def _files(request: Request) -> list[tuple[bytes, str | None]]:
    async with request.form(max_files=MAX_IMAGES, max_fields=MAX_IMAGES) as form:
        parts = form.multi_items()
        if not parts:
            raise HTTPException(422, f"the form has no part named {PART!r}")
        for name, part in parts:
            if name != PART or not isinstance(part, UploadFile):
                raise HTTPException(422, f"unknown part {name[:60]!r}; allowed: files named {PART!r}")
        return [(await part.read(), part.content_type) for _, part in parts if isinstance(part, UploadFile)]
