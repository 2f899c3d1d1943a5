"""One request to a service and its answer: a record, or one error that says what is wrong.

ClientError
├── ProblemError            the service answered with a problem (RFC 9457)
├── UnreachableError        there was no answer
└── UnexpectedAnswerError   there was one, but not of this service
"""

import time
from collections.abc import Callable
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from service.domain.record import Record
from service.errors import FieldError

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
RETRY_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Pauses between attempts to reach a service that is away; the last one is repeated."""
RESTARTING = frozenset({502, 503, 504})
OWNER_HEADER = "X-Ardoise-Owner"

Answer = TypeVar("Answer")


class ClientError(Exception):
    """The root: the message is for people, on one line."""


class ProblemError(ClientError):
    """The service answered with a problem."""

    def __init__(self, status: int, title: str, detail: str | None, errors: tuple[FieldError, ...] = ()) -> None:
        self.status, self.title, self.detail, self.errors = status, title, detail, errors
        fields = "; ".join(f"{error.pointer.removeprefix('#/')}: {error.detail}" for error in errors)
        super().__init__(": ".join(part for part in (detail or f"{status} {title}", fields) if part))


class UnreachableError(ClientError):
    """No answer came."""

    def __init__(self, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url} does not answer: {reason}")


class UnexpectedAnswerError(ClientError):
    """Something else listens there, or another version."""


class Connection:
    """Kept-alive connections to one service."""

    def __init__(self, url: str, *, owner: str | None, token: str | None, timeout: float) -> None:
        import httpx  # by who asks: `ardoise serve` has this module, too, and no use for it

        self.url, self.timeout = url.rstrip("/"), timeout
        given = {OWNER_HEADER: owner, "Authorization": None if token is None else f"Bearer {token}"}
        try:
            host = urlsplit(self.url).hostname or ""
            self._http = httpx.Client(
                base_url=self.url,
                headers={name.encode(): value.encode() for name, value in given.items() if value is not None},
                trust_env=not _is_loopback(host),  # a proxy of the environment has another idea of 127.0.0.1
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise UnreachableError(url, f"not a URL ({error})") from error

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def read(self, answer: type[Answer], method: str, path: str, *, wait: float = 0, **request: Any) -> Answer:
        """The answer's body as the given type; what a newer service says beyond it is left out."""
        response = self.send(method, path, wait=wait, **request)
        try:
            return TypeAdapter(answer).validate_json(response.content, extra="ignore")
        except ValidationError as error:
            first = error.errors()[0]
            where = "/".join(map(str, first["loc"])) or "body"
            message = f"{self.url} did not answer {method} {path} as Ardoise does: {where}: {first['msg']}"
            raise UnexpectedAnswerError(message) from error

    def send(self, method: str, path: str, *, wait: float = 0, **request: Any) -> "httpx.Response":
        """An answer of 2xx, within the timeout and the `wait` seconds that the service was asked to take."""
        import httpx

        timeout = httpx.Timeout(self.timeout + wait, connect=min(self.timeout, CONNECT_SECONDS))
        try:
            response = self._http.request(method, path, timeout=timeout, **request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise UnreachableError(self.url, str(error) or type(error).__name__) from error
        if response.is_success:
            return response
        raise _problem(response)


def patiently(call: Callable[[], Answer], *, patience: float) -> Answer:
    """The call's result, tried again while the service is away or starts, for at most `patience` seconds."""
    deadline = time.monotonic() + patience
    pauses = chain(RETRY_SECONDS, repeat(RETRY_SECONDS[-1]))
    while True:
        try:
            return call()
        except (UnreachableError, ProblemError) as error:
            pause = next(pauses)
            away = isinstance(error, UnreachableError) or error.status in RESTARTING
            if not away or time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)


class _Problem(Record):
    title: str
    detail: str | None = None
    errors: tuple[FieldError, ...] = ()


def _problem(response: "httpx.Response") -> ProblemError:
    try:
        problem = TypeAdapter(_Problem).validate_json(response.content, extra="ignore")
    except ValidationError:  # a proxy in between, or not Ardoise at all
        return ProblemError(response.status_code, response.reason_phrase, None)
    return ProblemError(response.status_code, problem.title, problem.detail, problem.errors)


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
