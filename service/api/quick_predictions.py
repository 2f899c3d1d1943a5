"""The short way of one small image to its answer, past the framework and everything else that it does not need.

It takes the requests of a client that sends digits by the thousand: `POST /v1/experiments/{id}/predictions` or
`/v1/models/{name}/predictions` with one grid as JSON or one image file, a few kilobytes, of a network that is loaded;
and what the Open Inference Protocol has for it, `/v2/models/{name}/infer`. It answers what is right and nothing else:
whatever it does not know, finds wrong or would have to wait for goes on to the route (`predictions.py`,
`model_predictions.py`, `open_inference.py`), with the body, and is answered there as if there were no other way. So
errors, documentation and everything rare are in one place.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from time import perf_counter

import numpy as np
import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import answers, open_inference, problems, requests, tables
from service.domain.open_inference import HEADER_LENGTH
from service.domain.prediction import MAX_GRID_SIDE
from service.domain.registry import ALIAS, MODEL_NAME
from service.errors import BusyError, InvalidImageError
from service.inference.decode import Picture, decode
from service.inference.desk import ClientGoneError
from service.inference.images import of_grey_values
from service.named_weights import Named, OfExperiment, OfModel
from service.open_inference import choice
from service.predicting import Predictor

OF_EXPERIMENT = re.compile(r"/v1/experiments/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/predictions")
OF_MODEL = re.compile(f"/v1/models/({MODEL_NAME})/predictions")
INFERENCE = re.compile(f"/v2/models/({MODEL_NAME})(?:/versions/([^/]{{1,100}}))?/infer")
CHECKPOINTS = {b"": "best", b"checkpoint=best": "best", b"checkpoint=last": "last"}
CHOICE = re.compile(f"version=([1-9][0-9]{{0,8}})|alias=({ALIAS})")
MOST_BYTES = 16 * 1024
"""Of a body: it is decoded on the event loop, which a larger one would hold up."""
MOST_PIXELS = 128 * 128
"""As above."""
JSON = (b"content-type", b"application/json")
PNG = b"\x89PNG\r\n\x1a\n"


class QuickPredictions:
    """Before the whole of `app`: what is not answered here goes on to it as it came, and finds no trace."""

    def __init__(self, app: ASGIApp, predictor: Callable[[], Predictor]) -> None:
        self.app, self._predictor = app, predictor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = way_of(scope)
        if way is None:
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        named, answer = way
        messages = await _first(receive)
        response = await self._response(scope, named, answer, messages, receive)
        if response is None:
            await self.app(scope, _again(messages, receive), send)
            return
        status, headers, content = response
        if response is not _GONE:
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
        request_id = headers[0][1].decode() if headers else requests.id_of(scope)
        route = route_of(named, answer)
        requests.account(scope, status=status, began=began, route=route, request_id=request_id, **told_of(named))

    async def _response(
        self, scope: Scope, named: Named, answer: "_Answer", messages: Sequence[Message], receive: Receive
    ) -> "_Response | None":
        try:
            body = _small_body(messages)
            found = None if body is None else await answer(self._predictor(), scope, named, body, receive)
        except BusyError as error:
            return busy(scope, error)
        except ClientGoneError:
            return _GONE
        except Exception:  # noqa: BLE001  # the route finds it as well, and says what it is
            return None
        if found is None:
            return None
        headers, content = found
        return HTTPStatus.OK, [(requests.RAW_HEADER, requests.id_of(scope).encode()), *headers], content


_Headers = list[tuple[bytes, bytes]]
_Answer = Callable[[Predictor, Scope, Named, bytes, Receive], Awaitable[tuple[_Headers, bytes] | None]]
"""To a small body, if it is one that is taken here; any error where there is none."""
_Response = tuple[int, _Headers, bytes]
_GONE: _Response = (0, [], b"")


async def predict(
    predictor: Predictor, scope: Scope, named: Named, body: bytes, receive: Receive
) -> tuple[_Headers, bytes] | None:
    picture_of = reader(scope)
    picture = None if picture_of is None else picture_of(body)
    read = None if picture is None else await predictor.at_once(named, picture, receive)
    if read is None:
        return None
    content = answers.written(read)
    return [(b"content-length", b"%d" % len(content)), JSON], content


async def _infer(
    predictor: Predictor, scope: Scope, named: Named, body: bytes, receive: Receive
) -> tuple[_Headers, bytes] | None:
    if not isinstance(named, OfModel) or _header(scope, b"content-encoding"):
        return None
    length = _header(scope, HEADER_LENGTH.lower().encode()) or None
    response = await open_inference.answer(predictor, named, body, header_length=length, scope=scope, receive=receive)
    return response.raw_headers, bytes(response.body)


def way_of(scope: Scope) -> tuple[Named, _Answer] | None:
    """The weights that a request names, and how it is answered; None where it is another, or must be looked at more
    closely.
    """
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    if match := OF_EXPERIMENT.fullmatch(scope["path"]):
        checkpoint = CHECKPOINTS.get(scope["query_string"])
        return None if checkpoint is None else (OfExperiment(match[1], checkpoint), predict)
    if match := OF_MODEL.fullmatch(scope["path"]):
        query = scope["query_string"]
        chosen = CHOICE.fullmatch(query.decode("latin-1"))
        if chosen is not None:
            return OfModel(match[1], int(chosen[1]) if chosen[1] else chosen[2]), predict
        return None if query else (OfModel(match[1], None), predict)
    if match := INFERENCE.fullmatch(scope["path"]):
        return OfModel(match[1], choice(match[2])), _infer
    return None


def route_of(named: Named, answer: _Answer) -> str:
    """As the OpenAPI document has it."""
    if isinstance(named, OfExperiment):
        return "/v1/experiments/{experiment_id}/predictions"
    if answer is predict:
        return "/v1/models/{model}/predictions"
    return "/v2/models/{model}/infer" if named.choice is None else "/v2/models/{model}/versions/{version}/infer"


def told_of(named: Named) -> dict[str, str]:
    """To the log."""
    match named:
        case OfExperiment(experiment_id):
            return {"experiment_id": experiment_id}
        case OfModel(model):
            return {"model": model}


def busy(scope: Scope, error: BusyError) -> _Response:
    """Without the route, which would decode what it then refuses."""
    request_id = requests.id_of(scope)
    problem = problems.answer({**scope, problems.REQUEST_ID: request_id}, error.status, error.message)
    return error.status, [(requests.RAW_HEADER, request_id.encode()), *problem.raw_headers], bytes(problem.body)


async def _first(receive: Receive) -> list[Message]:
    """The body, or as much of it as shows that it is not a small one."""
    messages = [await receive()]
    size = len(messages[0].get("body", b""))
    while messages[-1].get("more_body") and size <= MOST_BYTES:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
    return messages


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    """What was read already, then what is yet to come."""
    left = [*reversed(messages)]

    async def receive_again() -> Message:
        return left.pop() if left else await receive()

    return receive_again


def _small_body(messages: Sequence[Message]) -> bytes | None:
    if any(message["type"] != "http.request" for message in messages) or messages[-1].get("more_body"):
        return None
    body: bytes = messages[0]["body"] if len(messages) == 1 else b"".join([message["body"] for message in messages])
    return body if 0 < len(body) <= MOST_BYTES else None


def reader(scope: Scope) -> Callable[[bytes], Picture | None] | None:
    """Of the body of such a request: None of one that is not taken here, any error where it shows nothing."""
    declared, accepted = (_header(scope, name) for name in (b"content-type", b"accept"))
    if accepted not in ("", "*/*") and tables.choose(None, accept=accepted) is not tables.Format.JSON:
        return None
    return _grid if declared.partition(";")[0].strip().lower() == "application/json" else partial(_small_png, declared)


def _small_png(declared: str, body: bytes) -> Picture | None:
    if not body.startswith(PNG) or body[12:16] != b"IHDR":
        return None
    width, height = int.from_bytes(body[16:20]), int.from_bytes(body[20:24])
    return decode(body, content_type=declared, max_pixels=MOST_PIXELS) if width * height <= MOST_PIXELS else None


def _header(scope: Scope, name: bytes) -> str:
    found: bytes = next((value for key, value in scope["headers"] if key == name), b"")
    return found.decode("latin-1")


def _grid(body: bytes) -> Picture:
    """Of `{"pixels": [[...], ...]}`, as `domain.prediction.check_grid` and `inference.images` would have it."""
    # A letter of `true` and of `false`, which numpy takes for numbers and JSON does not; the one name has neither.
    if b"t" in body or b"a" in body:
        raise InvalidImageError("not only numbers")
    document = orjson.loads(body)
    if not isinstance(document, dict) or len(document) != 1:
        raise InvalidImageError("not one grid")
    rows = document["pixels"]
    if {*map(type, rows)} != {list}:  # above all no number: `bytes` would make as many zeros of it
        raise InvalidImageError("not rows")
    try:
        values = np.frombuffer(b"".join([*map(bytes, rows)]), dtype=np.uint8)
    except TypeError:  # not whole numbers
        pixels = _checked(np.array(rows))
    else:
        pixels = values.reshape(len(rows), len(rows[0]))
        if {*map(len, rows)} != {pixels.shape[1]}:
            raise InvalidImageError("not rows of one length")
    if not pixels.size or max(pixels.shape) > MAX_GRID_SIDE:
        raise InvalidImageError("no grid")
    return of_grey_values(pixels)


def _checked(values: np.ndarray) -> np.ndarray:
    if values.ndim != 2 or values.dtype.kind not in "if" or not values.size:
        raise InvalidImageError("not a grid of numbers")
    if not 0 <= values.min() <= values.max() <= 255:
        raise InvalidImageError("not between 0 and 255")
    return values.astype(np.float32)
