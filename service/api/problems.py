"""Every error as one JSON shape: RFC 9457, `application/problem+json`.

What a client sent may come back in an answer (a name, a path, a value), so all text is made safe on its way: no lone
surrogate, nothing endless. No answer carries a stack trace; the log does.
"""

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from service.api import openapi
from service.domain.field_errors import distinct, field_errors
from service.domain.open_inference import InferenceError
from service.domain.problem import Problem
from service.errors import ArdoiseError, FieldError, InvalidImageError, InvalidSpecError, NotReadyError, TooLargeError
from service.storage import StorageError
from service.storage.engine import is_away

REQUEST_ID = "ardoise.request_id"
"""Where a request's scope holds its id."""
LONGEST_TEXT = 1000
MOST_ERRORS = 100
PROTOCOL = "/v2"
"""Where the Open Inference Protocol is spoken, which has an error body of its own."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_OF_STATUS: dict[int, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="ardoise"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "2"},
}
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}  # RFC 9110's; Python 3.11 knows older ones

log = structlog.get_logger(__name__)


def answer(
    scope: Scope,
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldError] | None = None,
    reasons: Sequence[str] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """The problem as a response; to a client of the Open Inference Protocol, as its specification has errors."""
    headers = _OF_STATUS.get(status, {}) | (headers or {})
    if scope["path"] == PROTOCOL or scope["path"].startswith(PROTOCOL + "/"):
        return _of_the_protocol(status, detail, errors or (), headers=headers)
    problem = Problem(
        title=_PHRASES.get(status) or HTTPStatus(status).phrase,
        status=int(status),
        detail=safe(detail),
        instance=safe(quote(scope["path"])),
        request_id=scope[REQUEST_ID],
        errors=None if errors is None else tuple(_safe_error(error) for error in errors[:MOST_ERRORS]),
        reasons=None if reasons is None else tuple(safe(reason) for reason in reasons),
    )
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def _of_the_protocol(status: int, detail: str, errors: Sequence[FieldError], *, headers: dict[str, str]) -> Response:
    """One sentence with every wrong field in it; a request that cannot be processed is its 400."""
    places = ((error.pointer.removeprefix("#").removeprefix("/"), error.detail) for error in errors)
    fields = "; ".join(f"{place}: {wrong}" if place else wrong for place, wrong in places)
    status = HTTPStatus.BAD_REQUEST if status == HTTPStatus.UNPROCESSABLE_ENTITY else status
    content = InferenceError(error=safe(fields or detail)).model_dump_json()
    return Response(content, status_code=status, headers=headers, media_type="application/json")


def of_error(scope: Scope, error: ArdoiseError) -> Response:
    """What there is to say of an error that has no more than a message."""
    headers = None if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return answer(scope, error.status, error.message, headers=headers)


def register(app: FastAPI) -> None:
    """Let the app answer its errors so."""
    app.add_exception_handler(ArdoiseError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(StorageError, _storage)


def safe(text: str) -> str:
    """The text with lone surrogates as escapes, shortened where it is very long."""
    text = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


def _safe_error(error: FieldError) -> FieldError:
    return FieldError(pointer=safe(error.pointer), detail=safe(error.detail), code=safe(error.code))


async def _own(request: Request, error: Exception) -> Response:
    match error:
        case InvalidSpecError():
            return answer(request.scope, error.status, error.message, errors=error.errors)
        case InvalidImageError() | TooLargeError():
            code = "invalid_image" if isinstance(error, InvalidImageError) else "too_large"
            wrong = FieldError(pointer=error.pointer, detail=error.message, code=code)
            return answer(request.scope, error.status, error.message, errors=[wrong])
        case NotReadyError():
            return answer(request.scope, error.status, error.message, reasons=error.reasons)
        case ArdoiseError() if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            return of_error(request.scope, error)
        case _:
            raise error


async def _storage(request: Request, error: Exception) -> Response:
    if not (isinstance(error, StorageError) and is_away(error)):
        raise error
    log.error("the database did not do what a request needed", reason=str(error))
    return answer(request.scope, HTTPStatus.SERVICE_UNAVAILABLE, "the database is busy or not there; try again")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # that is what it is registered for
    headers = dict(error.headers or {})
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            detail = f"there is nothing at {request.url.path}"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed(request))
            detail = f"{request.method} is not allowed here; allowed: {headers['Allow']}"
        case _:
            detail = error.detail
    return answer(request.scope, error.status_code, detail, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Every method that some route of this path takes: a router's own Allow names those of one route only."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return [name for name, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # that is what it is registered for
    found: list[FieldError] = []
    wrong = distinct(error.errors())
    for place in dict.fromkeys(str(each["loc"][0]) for each in wrong):
        errors = [{**each, "loc": each["loc"][1:]} for each in wrong[:MOST_ERRORS] if each["loc"][0] == place]
        schema = openapi.schema_of(request, place)
        prefix = "" if place == "body" else f"/{place}"
        found += [
            FieldError(pointer=f"#{prefix}{each.pointer[1:]}", detail=each.detail, code=each.code)
            for each in field_errors(errors, schema, error.body)
        ]
    detail = "1 field is invalid" if len(wrong) == 1 else f"{len(wrong)} fields are invalid"
    return answer(request.scope, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=found)
