"""The Open Inference Protocol, version 2, over the registry, for clients that were written for other servers."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.types import Scope

from service import open_inference, readiness
from service.api import json_bodies
from service.api.open_inference_examples import REQUEST
from service.api.parameters import ModelName
from service.api.quotas import count_images
from service.api.requests import declared_bytes
from service.api.state import Live, Service
from service.domain.open_inference import (
    HEADER_LENGTH,
    InferenceRequest,
    InferenceResponse,
    Liveness,
    ModelMetadata,
    ModelReadiness,
    ServerMetadata,
    ServerReadiness,
)
from service.inference.desk import Receive
from service.named_weights import OfModel
from service.predicting import Predictor

router = APIRouter(prefix="/v2", tags=["open inference protocol"])
OCTETS = "application/octet-stream"
SMALL_BYTES = 16 * 1024
"""Of a body: it is read on the event loop, where a thread would take longer."""
_BYTES = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
_SCHEMA = {"schema": {"$ref": "#/components/schemas/InferenceRequest"}, "example": REQUEST}
_BODY = {"requestBody": {"required": True, "content": {"application/json": _SCHEMA, **_BYTES}}}

Version = Annotated[str, Path(max_length=100, description="A version's number, or an alias in its place")]
HeaderLength = Annotated[
    str | None,
    Header(alias=HEADER_LENGTH, description="How many bytes of the body are its JSON, where tensors follow as bytes"),
]


@router.get("")
@router.get("/", include_in_schema=False)
async def server() -> ServerMetadata:
    """Who answers, and the extensions that it takes."""
    return open_inference.server()


@router.get("/health/live")
async def live() -> Liveness:
    """The process answers."""
    return Liveness()


@router.get("/health/ready")
def ready(service: Live) -> ServerReadiness:
    """Models can be asked; 503 where they cannot. Unlike `/readyz` it asks for no worker."""
    readiness.require_models(service.database)
    return ServerReadiness()


@router.get("/models/{model}")
def model_metadata(model: ModelName, service: Live) -> ModelMetadata:
    """What the champion or, where there is none, the newest version takes and gives."""
    return open_inference.metadata(service.database, model, None)


@router.get("/models/{model}/versions/{version}")
def version_metadata(model: ModelName, version: Version, service: Live) -> ModelMetadata:
    """What this version takes and gives."""
    return open_inference.metadata(service.database, model, version)


@router.get("/models/{model}/ready")
async def model_ready(model: ModelName, service: Live) -> ModelReadiness:
    """The champion, else the newest version, is loaded once this has answered; 503 where its files are damaged."""
    return await open_inference.ready(service.predictor, model, None)


@router.get("/models/{model}/versions/{version}/ready")
async def version_ready(model: ModelName, version: Version, service: Live) -> ModelReadiness:
    """This version is loaded once this has answered; 503 where its files are damaged."""
    return await open_inference.ready(service.predictor, model, version)


@router.post("/models/{model}/infer", response_model=InferenceResponse, openapi_extra=_BODY)
async def infer(model: ModelName, request: Request, service: Live, header_length: HeaderLength = None) -> Response:
    """Let the champion, else the newest version, infer: greys of 0..255 in the network's own size, as they are.

    With the parameter `framing` true, images of any size are framed first, as for a prediction.
    """
    return await _answer(service, request, model, None, header_length)


@router.post("/models/{model}/versions/{version}/infer", response_model=InferenceResponse, openapi_extra=_BODY)
async def version_infer(
    model: ModelName, version: Version, request: Request, service: Live, header_length: HeaderLength = None
) -> Response:
    """Let this version infer."""
    return await _answer(service, request, model, version, header_length)


async def _answer(
    service: Service, request: Request, model: str, version: str | None, header_length: str | None
) -> Response:
    with service.predictor.holding(declared_bytes(request.scope, most=service.settings.max_body_bytes)):
        body = await request.body()
        named = OfModel(model, open_inference.choice(version))
        return await answer(
            service.predictor, named, body, header_length=header_length, scope=request.scope, receive=request.receive
        )


async def answer(
    predictor: Predictor, named: OfModel, body: bytes, *, header_length: str | None, scope: Scope, receive: Receive
) -> Response:
    """To a body that has been read."""
    answered, tail = await open_inference.infer(
        predictor, named, partial(_read, body, header_length), is_small=len(body) <= SMALL_BYTES, receive=receive
    )
    count_images(scope, answered.outputs[0].shape[0])
    head = answered.model_dump_json(exclude_none=True).encode()
    if not any(output.parameters for output in answered.outputs):
        return Response(head, media_type="application/json")
    return Response(head + tail, media_type=OCTETS, headers={HEADER_LENGTH: str(len(head))})


def _read(body: bytes, header_length: str | None) -> tuple[InferenceRequest, bytes]:
    """The JSON, and the bytes that follow it."""
    length = len(body) if header_length is None else _length(header_length, most=len(body))
    document = json_bodies.parse(body[:length])
    try:
        return InferenceRequest.model_validate(document), body[length:]
    except ValidationError as error:
        located: list[dict[str, Any]] = [
            {**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)
        ]
        raise RequestValidationError(located, body=document) from error


def _length(given: str, *, most: int) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) < 12 and 0 < int(given) <= most):
        raise HTTPException(400, f"{HEADER_LENGTH} {given[:20]!r} must be 1 to {most}, the length of the body")
    return int(given)
