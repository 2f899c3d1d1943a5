"""The door: before the whole of the app, the short way of predictions included.

It answers to the names that are known, takes nothing that changes something from another site's page, and lets in who
shows a valid token, as `Authorization: Bearer` or as the dashboard's cookie. Without any token there ever having been
made, it is open to this machine, asked for as this machine, and to nobody else. What the bearer may do is for
`service/api/permissions.py`, which knows the routes. Every answer leaves with headers that make of it no more, in a
browser, than it is.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import credentials, permissions, problems, quotas, requests
from service.api.state import Service
from service.domain import origins
from service.domain.access import Admission, Token
from service.errors import ArdoiseError, BusyError, ForbiddenError, MisdirectedError, NotSignedInError
from service.storage import StorageError
from service.storage.engine import is_away
from service.tokens import digest

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TO_EVERYBODY = frozenset({"/", "/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""What is read by everybody, beside the dashboard's own files."""
FILES = "/web/"
SIGN_IN = "/v1/session"
FORWARDED = (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip")
"""Who comes through a proxy comes from anywhere."""
NO_TOKEN = "this needs a token: send `Authorization: Bearer TOKEN`, or sign in on the dashboard"  # noqa: S105
NOT_VALID = "this token is not valid: it is misspelt, has expired or was revoked"
CLOSED = "this service has no token yet, and until it has one only the machine that it runs on is let in"
POLICY = b"content-security-policy"
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
SHUT = (POLICY, b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'")
"""Where an answer brings no policy of its own: charts may style themselves, nothing may run or be framed."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Visitor:
    """Who asks, as the head of a request tells it to the address that it came to."""

    secret: str | None
    key: str | None
    """Of the secret: by it the database finds a token."""
    is_this_machine: bool


class Guard:
    """Before `app`; `allowed` are host names beside this machine's own."""

    def __init__(self, app: ASGIApp, service: Callable[[], Service], *, allowed: frozenset[str]) -> None:
        self.app, self._service, self._allowed = app, service, allowed
        self._name = lru_cache(256)(self._name_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_shut(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = shut(message.get("headers", ()))
            await send(message)

        try:
            await self._admit(scope, dict(scope["headers"]))
        except ArdoiseError as error:
            await _refuse(scope, receive, send_shut, error)
        else:
            await self.app(scope, receive, send_shut)

    def visitor(self, scope: Scope, headers: dict[bytes, bytes]) -> Visitor:
        """An error where it is answered to nobody who asks so."""
        authority = headers.get(b"host", b"")
        name = self._name(authority)
        if name is None:
            shown = authority.decode("latin-1")
            raise MisdirectedError(f"{shown!r} is no name of this service; ARDOISE_ALLOWED_HOSTS can add one")
        if scope["method"] not in SAFE and self._is_foreign(authority, headers):
            raise ForbiddenError("a page of another site may not do this here")
        secret = credentials.secret(headers)
        key = None if secret is None else digest(secret)
        return Visitor(secret, key, is_this_machine=is_this_machine(scope, name, headers))

    def admitted_at_once(self, visitor: Visitor) -> Token | None:
        """The token, where one is needed; an error where they may not come in, or the database has to be asked."""
        known = self._service().admissions.known(visitor.key)
        if known is None:
            raise BusyError("the database has to be asked who may come in")
        return _admitted(visitor, known)

    def count_image(self, scope: Scope, token: Token | None) -> None:
        """The first that a request shows to a network; an error where that is too many."""
        if token is not None:
            quotas.let_show(scope, self._service().predictions, token)

    async def _admit(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Write who asks into the scope; an error says why nobody is let in."""
        visitor, method = self.visitor(scope, headers), scope["method"]
        credentials.let_in(scope, None)
        if _is_for_everybody(method, scope["path"]):
            return
        token = _admitted(visitor, await self._find(visitor.key))
        credentials.let_in(scope, token)
        if method == "POST" and permissions.asks_a_network(scope["path"]):
            self.count_image(scope, token)

    async def _find(self, key: str | None) -> Admission:
        try:
            return await self._service().admissions.find(key)
        except StorageError as error:
            if is_away(error):
                log.error("the database did not say who may come in", reason=str(error))
                raise BusyError("the database is busy or not there; try again") from error
            log.exception("who may come in cannot be read")
            raise ArdoiseError("an error inside the service; its log says more") from error

    def _name_of(self, authority: bytes) -> str | None:
        if not authority:
            return "localhost"  # no browser leaves it out, and others may call themselves what they like
        name = origins.host_name(authority.decode("latin-1"))
        return name if origins.is_known(name, allowed=self._allowed) else None

    def _is_foreign(self, authority: bytes, headers: dict[bytes, bytes]) -> bool:
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if origin is site is None:
            return False
        return origins.is_foreign(
            authority=authority.decode("latin-1"),
            origin=None if origin is None else origin.decode("latin-1"),
            site=None if site is None else site.decode("latin-1"),
            allowed=self._allowed,
        )


def shut(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, and those with which it leaves."""
    sent = [*headers]
    policy = () if any(name == POLICY for name, _ in sent) else (SHUT,)
    return [*sent, *HEADERS, *policy]


def _admitted(visitor: Visitor, found: Admission) -> Token | None:
    """The token, where it is valid; None where none is needed."""
    token = found.token
    if token is not None and token.is_valid(datetime.now(UTC)):
        return token
    if found.is_closed:
        raise NotSignedInError(NO_TOKEN if visitor.secret is None else NOT_VALID)
    if not visitor.is_this_machine:
        raise NotSignedInError(CLOSED)
    return None


def _is_for_everybody(method: str, path: str) -> bool:
    """Health, the page itself, and the way in and out."""
    if method in SAFE:
        return path in TO_EVERYBODY or path.startswith(FILES)
    return path == SIGN_IN


def is_this_machine(scope: Scope, name: str, headers: dict[bytes, bytes]) -> bool:
    """True where the connection cannot have come from elsewhere, and was not made for somebody who did."""
    server = scope.get("server")
    return (
        server is not None
        and _is_loopback(server[0])
        and _is_loopback_name(name)
        and not any(header in headers for header in FORWARDED)
    )


_is_loopback = lru_cache(16)(origins.is_loopback_address)
_is_loopback_name = lru_cache(64)(origins.is_loopback_name)


async def _refuse(scope: Scope, receive: Receive, send: Send, error: ArdoiseError) -> None:
    began, request_id = time.perf_counter(), requests.id_of(scope)
    answer = problems.of_error({**scope, problems.REQUEST_ID: request_id}, error)
    answer.headers[requests.HEADER] = request_id
    await answer(scope, receive, send)
    requests.account(scope, status=error.status, began=began, route="refused", request_id=request_id)
