"""The registered models to clients of the Open Inference Protocol."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as version_of
from itertools import chain

import numpy as np

from service.domain.manifest import Manifest
from service.domain.open_inference import (
    BINARY_EXTENSION,
    DIGIT,
    INPUT,
    PLATFORM,
    InferenceRequest,
    InferenceResponse,
    ModelMetadata,
    ModelReadiness,
    RequestOutput,
    ServerMetadata,
    TensorMetadata,
)
from service.domain.prediction import MAX_GRID_SIDE, MAX_IMAGES
from service.errors import DamagedCheckpointError, InvalidImageError, NotReadyError, TooLargeError
from service.inference import outputs, tensors
from service.inference.decode import Picture
from service.inference.desk import Receive, Visitor
from service.inference.images import MAX_REQUEST_PIXELS
from service.inference.stacks import framed_in_turn
from service.named_weights import Choice, OfModel
from service.predicting import Predictor
from service.storage import Database
from service.storage import registry as rows

FRAMING = "framing"
"""A request's own parameter: true has each image framed as for a prediction, whatever its size."""
ALL_AS_BYTES = "binary_data_output"
Sent = tuple[InferenceRequest, bytes]
"""The JSON of a request, and the bytes that follow it."""
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


def server() -> ServerMetadata:
    """Who answers, and what beyond the protocol it takes."""
    return ServerMetadata(name="ardoise", version=version_of("ardoise"), extensions=(BINARY_EXTENSION,))


def choice(version: str | None) -> Choice:
    """What a version in a path names: a number, or an alias in its place."""
    return int(version) if version is not None and _NUMBER.fullmatch(version) else version


def metadata(database: Database, model: str, version: str | None) -> ModelMetadata:
    """What the model takes and gives; `NotFoundError` where there is no such model, version or alias."""
    with database.reading() as session:
        found = rows.chosen(session, model, choice(version)).version
        numbers = [each.version for each in rows.get(session, model).versions]
    side, classes = found.image_size, len(found.labels)
    return ModelMetadata(
        name=model,
        versions=tuple(str(number) for number in reversed(numbers)),
        platform=PLATFORM,
        inputs=(TensorMetadata(name=INPUT, datatype="FP32", shape=(-1, side, side)),),
        outputs=tuple(
            TensorMetadata(name=name, datatype=datatype, shape=(-1,) if name == DIGIT else (-1, classes))
            for name, datatype in outputs.DATATYPES.items()
        ),
    )


async def ready(predictor: Predictor, model: str, version: str | None) -> ModelReadiness:
    """Load its network where it is not; `NotReadyError` where that cannot be, `NotFoundError` as `metadata`."""
    try:
        await predictor.loaded(OfModel(model, choice(version)))
    except DamagedCheckpointError as error:
        raise NotReadyError((error.message,)) from error
    return ModelReadiness(name=model)


async def infer(
    predictor: Predictor, named: OfModel, read: Callable[[], Sent], *, is_small: bool, receive: Receive
) -> tuple[InferenceResponse, bytes]:
    """The answer, and what follows its JSON: the tensors that are asked for as bytes, in their order.

    `read` has the request, and is called in a thread unless it `is_small`. Errors are its own and those of `Predictor`;
    `InvalidImageError` where the request does not fit the model, which says where.
    """
    visitor = Visitor(receive)
    weights, network = await predictor.loaded(named)
    steps = (_asked(*read(), network.manifest) for _ in range(1))
    (asked,) = steps if is_small else await predictor.darkroom.unpacked(steps, visitor)
    images = asked.images
    if asked.to_be_framed:
        parts = framed_in_turn(lambda: map(Picture, images), network.manifest)
        framed = chain.from_iterable(await predictor.darkroom.unpacked(parts, visitor))
        images = np.stack([image for image, _ in framed])
    logits = await predictor.reckon(network, images, visitor)
    respond = partial(_response, asked, logits, model=named.model, version=weights.version)
    return respond() if is_small else await asyncio.to_thread(respond)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a request comes to."""

    request: InferenceRequest
    images: np.ndarray
    """float32 `(n, height, width)` in 0..255: of the network's own size, or of any where they are to be framed."""
    to_be_framed: bool
    wanted: Sequence[RequestOutput]
    all_as_bytes: bool


def _asked(request: InferenceRequest, tail: bytes, manifest: Manifest) -> _Asked:
    if [given.name for given in request.inputs] != [INPUT]:
        raise InvalidImageError(f"must be one input, named {INPUT!r}", pointer="#/inputs")
    (array,) = tensors.received(request.inputs, tail)
    reframed = tensors.flag(request.parameters, FRAMING, otherwise=False)
    stack = _stack(array, None if reframed else manifest.image_size)
    outside = ~((stack >= 0) & (stack <= 255))  # a NaN is neither
    if outside.any():
        number, y, x = (int(each) for each in np.argwhere(outside)[0])
        raise InvalidImageError(f"image {number}, row {y}, value {x} must be between 0 and 255", pointer="#/inputs/0")
    all_as_bytes = tensors.flag(request.parameters, ALL_AS_BYTES, otherwise=False)
    return _Asked(request, stack, reframed, _wanted(request), all_as_bytes)


def _response(asked: _Asked, logits: np.ndarray, *, model: str, version: str) -> tuple[InferenceResponse, bytes]:
    computed = outputs.of(logits)
    parts = [
        tensors.sent(
            each.name,
            outputs.DATATYPES[each.name],
            computed[each.name],
            as_bytes=tensors.wants_bytes(each, otherwise=asked.all_as_bytes),
        )
        for each in asked.wanted
    ]
    response = InferenceResponse(
        model_name=model, model_version=version, id=asked.request.id, outputs=tuple(output for output, _ in parts)
    )
    return response, b"".join(content for _, content in parts)


def _stack(array: np.ndarray, side: int | None) -> np.ndarray:
    """Its images, a copy: `(n, height, width)`, with one channel or flat; where `side` is given, of just this size."""
    shape = array.shape
    if len(shape) == 4 and shape[1] == 1:
        shape = (shape[0], *shape[2:])
    if len(shape) == 2 and side is not None and shape[1] == side * side:
        shape = (shape[0], side, side)
    largest = MAX_GRID_SIDE if side is None else side
    fits = len(shape) == 3 and (shape[1:] == (side, side) or (side is None and min(shape[1:]) >= 1))
    if not fits or max(shape[1:]) > largest or not 1 <= shape[0] <= MAX_IMAGES:
        size = f"sides of 1 to {largest}" if side is None else f"{side} x {side}"
        allowed = f"[n, height, width] or [n, 1, height, width], with n of 1 to {MAX_IMAGES} and {size}"
        raise InvalidImageError(f"{list(array.shape)}: must be {allowed}", pointer="#/inputs/0/shape")
    if array.size > MAX_REQUEST_PIXELS:
        raise TooLargeError(f"the images of one request may have {MAX_REQUEST_PIXELS} pixels together")
    return np.array(array.reshape(shape), dtype=np.float32)


def _wanted(request: InferenceRequest) -> Sequence[RequestOutput]:
    known = outputs.DATATYPES
    wanted = request.outputs or tuple(RequestOutput(name=name) for name in known)
    names = [each.name for each in wanted]
    if unknown := [name for name in names if name not in known]:
        raise InvalidImageError(f"there is no {unknown[0][:60]!r}; there are: {', '.join(known)}", pointer="#/outputs")
    if len(set(names)) < len(names):
        raise InvalidImageError("must name each output once", pointer="#/outputs")
    return wanted
