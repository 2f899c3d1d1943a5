"""Bodies that hold images: a raw file, a form with files, or JSON."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message, Receive

from service.api import json_bodies
from service.domain.prediction import MAX_IMAGES, PredictionRequest
from service.domain.subject import OneImageRequest
from service.inference import images
from service.inference.decode import MEDIA_TYPES, Picture, check_media_type
from service.inference.subject import OwnImage

PART = "image"
END_BYTES = 4096
"""Of a form: its last boundary is among them, and what may follow it."""
JSON, FORM = "application/json", "multipart/form-data"


@dataclass(frozen=True)
class Pictures:
    """The images of a body. Calling it decodes them as they are asked for, one at a time: work for a thread."""

    decode: Callable[[], Iterator[Picture]]
    names: tuple[str | None, ...] = ()
    """What the files of a form are called; empty for every other body."""

    def __call__(self) -> Iterator[Picture]:
        return self.decode()


OneImage = Callable[[], OwnImage | Iterator[Picture]]
Sent = TypeVar("Sent", bound=PredictionRequest)


def documentation(request: type[PredictionRequest], example: object) -> dict[str, Any]:
    """What OpenAPI says of a route that takes such bodies: its JSON is this record."""
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    form = {"type": "object", "properties": {PART: files}, "required": [PART]}
    json = {"schema": {"$ref": f"#/components/schemas/{request.__name__}"}, "example": example}
    raw = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES}
    content = {JSON: json, FORM: {"schema": form}}
    return {"requestBody": {"required": True, "content": content | raw}}


BODY_DOCUMENTATION = documentation(PredictionRequest, {"pixels": [[0, 0, 0], [0, 255, 0], [0, 255, 0], [0, 0, 0]]})


async def pictures(request: Request) -> Pictures:
    """What the body holds; an unknown media type is refused before the body is read."""
    content_type, media_type = request.headers.get("Content-Type"), _media_type(request)
    if media_type == JSON:
        return Pictures(partial(_from_json, await request.body()))
    if media_type == FORM:
        return await _files(request)
    check_media_type(content_type, others=(JSON, FORM))
    return Pictures(partial(images.from_files, [(await request.body(), content_type)]))


async def one_image(request: Request) -> OneImage:
    """As `pictures`, of which there must be one; or the place of an image of the run's own data set."""
    if _media_type(request) == JSON:
        return partial(_one_from_json, await request.body())
    return await pictures(request)


def _media_type(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _from_json(body: bytes) -> Iterator[Picture]:
    return images.from_request(_read(PredictionRequest, body))


def _one_from_json(body: bytes) -> OwnImage | Iterator[Picture]:
    sent = _read(OneImageRequest, body)
    if sent.index is None:
        return images.from_request(sent)
    return OwnImage(split=sent.split or "test", index=sent.index)


def _read(record: type[Sent], body: bytes) -> Sent:
    document = json_bodies.parse(body)
    try:
        return record.model_validate(document)
    except ValidationError as error:
        located = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(located, body=document) from error


def _with_its_end(request: Request) -> Receive:
    """The request's own, for a form whose last boundary must be there: else nothing is said of a part that is cut."""
    _, options = parse_options_header(request.headers["Content-Type"])
    last, end = b"--" + options.get(b"boundary", b"") + b"--", b""

    async def receive() -> Message:
        nonlocal end
        message = await request.receive()
        end = (end + message.get("body", b"")[-END_BYTES:])[-END_BYTES:]
        if message["type"] == "http.request" and not message.get("more_body") and last not in end:
            raise MultiPartException("the form is cut off: its last boundary, with two dashes at its end, is not there")
        return message

    return receive


async def _files(request: Request) -> Pictures:
    """The files of a form, still packed. Parts above a megabyte wait on disk until all have come."""
    whole = Request(request.scope, _with_its_end(request))
    async with whole.form(max_files=MAX_IMAGES, max_fields=MAX_IMAGES) as form:
        parts = form.multi_items()
        if not parts:
            raise HTTPException(422, f"the form has no part named {PART!r}")
        for name, part in parts:
            if name != PART:
                raise HTTPException(422, f"unknown part {name[:60]!r}; allowed: files named {PART!r}")
            if not isinstance(part, UploadFile):
                raise HTTPException(422, f"a part named {PART!r} is text: it must be a file, with a filename")
        files, names = [], []
        for part in (each for _, each in parts if isinstance(each, UploadFile)):
            files.append((await part.read(), part.content_type))
            names.append(part.filename or None)
            await part.close()  # or the whole form would be held twice
        return Pictures(partial(images.from_files, files, names=names), names=tuple(names))
