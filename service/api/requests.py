"""What happens around every request: its id, its size limit, its line in the log, and the last resort."""

import re
import time
from os import urandom

import structlog
from fastapi import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problems
from service.inference.desk import ClientGoneError
from service.telemetry.measures import REQUEST_SECONDS, REQUESTS

HEADER = "X-Request-ID"
RAW_HEADER = HEADER.lower().encode()
ACCEPTED_ID = re.compile(r"[!-~]{1,128}")
QUIET = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked by machines, again and again."""
MADE = frozenset({201, 202})
"""With these an answer names what it is that was made, and by that its id."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger(__name__)


class Requests:
    """Middleware, outermost: every answer carries an id (the client's own where it sent one), every request is logged.

    An exception that nothing else answered is logged with its trace and answered as a 500 without one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope[problems.REQUEST_ID] = id_of(scope)
        began, status = time.perf_counter(), 0
        about: dict[str, str] = {}

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], [*message.get("headers", ())]
                if status in MADE and (made := dict(headers).get(b"location")):
                    about["location"] = made.decode("latin-1")
                message["headers"] = [*headers, (RAW_HEADER, request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except (ClientDisconnect, ClientGoneError):
                pass  # its line says so
            except Exception:
                log.exception("a request ended in an error that nothing answers", path=scope["path"])
                if status:
                    raise
                failed = problems.answer(scope, 500, "an error inside the service; its log says more")
                await failed(scope, receive, send_with_id)
            finally:
                if named := scope.get("path_params", {}).get("experiment_id"):
                    about["experiment_id"] = named
                account(scope, status=status, began=began, route=_route(scope), **about)


def id_of(scope: Scope) -> str:
    """The client's own where it sent one, else a new one."""
    given = next((value for name, value in scope["headers"] if name == RAW_HEADER), b"").decode("latin-1")
    return given if ACCEPTED_ID.fullmatch(given) else new_id()


def new_id() -> str:
    """For a request that brings none."""
    return urandom(16).hex()


def account(scope: Scope, *, status: int, began: float, route: str, **about: str) -> None:
    """Count a request that `began` then, by `time.perf_counter`, and write its line; `route` names no id.

    Status 0: its client went away before it was answered.
    """
    seconds = time.perf_counter() - began
    REQUESTS.add(scope["method"] if scope["method"] in METHODS else "other", route, str(int(status)))
    REQUEST_SECONDS.observe(seconds, route)
    write = log.debug if scope["path"] in QUIET else log.info
    event = "request" if status else "the client went away"
    write(event, method=scope["method"], path=scope["path"], status=int(status), seconds=round(seconds, 4), **about)


def _route(scope: Scope) -> str:
    """As the OpenAPI document has it; one word for all that is not found."""
    route = scope.get("route")
    return str(getattr(route, "path", "other"))


def declared_bytes(scope: Scope, *, most: int) -> int:
    """How long the request's body is; where it does not say so, the most that it may be."""
    return int(next((value for name, value in scope["headers"] if name == b"content-length"), most))


def _encoding(scope: Scope) -> str:
    """Of the request's body."""
    given = next((value for name, value in scope["headers"] if name == b"content-encoding"), b"identity")
    return given.decode("latin-1").lower()


class BodyLimit:
    """Middleware: a body above `most` bytes is answered 413, at once where its length is declared, else on the way.

    One that is compressed is a 415, as how much it holds is not known: `most` bytes can be a thousand times as many.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if declared_bytes(scope, most=0) > self.most:
            await problems.answer(scope, 413, self._too_large)(scope, receive, send)
            return
        received, encoding = 0, _encoding(scope)

        async def receive_within_limit() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most:
                raise HTTPException(413, self._too_large)
            if received and encoding != "identity":
                said = f"the encoding {encoding[:60]!r} is not accepted: send the body as it is"
                raise HTTPException(415, said, {"Accept-Encoding": "identity"})
            return message

        await self.app(scope, receive_within_limit, send)

    @property
    def _too_large(self) -> str:
        return f"the body is larger than {self.most:,} bytes"
