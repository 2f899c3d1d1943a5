"""How a request shows its token: as `Authorization: Bearer`, or as the cookie that the dashboard's sign-in set."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope

from service.domain.access import Token
from service.tokens import Admissions, digest

_TOKEN = "ardoise.token"  # noqa: S105  # a name
_BEARER = b"bearer "


def secret(headers: Mapping[bytes, bytes]) -> str | None:
    """What is shown, right or wrong; None where nothing is."""
    authorization = headers.get(b"authorization", b"")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip().decode("latin-1")
    cookies = headers.get(b"cookie")
    if cookies is None:
        return None
    wanted = cookie_name(headers.get(b"host", b"").decode("latin-1"))
    pairs = (each.strip().partition("=") for each in cookies.decode("latin-1").split(";"))
    return next((value for name, _, value in pairs if name == wanted), None)


def cookie_name(authority: str) -> str:
    """With the port in it: cookies know none, and several services on one machine must not sign each other out."""
    port = authority.rpartition("]")[2].partition(":")[2]
    return f"ardoise-{port}" if port else "ardoise"


def let_in(scope: Scope, token: Token | None) -> None:
    """Whoever handles the request finds there who asks."""
    scope[_TOKEN] = token


def bearer(scope: Scope) -> Token | None:
    """Who asks; None where the service is open, or the path to everybody."""
    found: Token | None = scope[_TOKEN]
    return found


async def is_still_in(scope: Scope, admissions: Admissions) -> bool:
    """Whether who was let in would be now: an answer that goes on for hours outlives a token."""
    shown = secret(dict(scope["headers"]))
    found = await admissions.find(None if shown is None else digest(shown))
    if bearer(scope) is None:
        return not found.is_closed
    return found.token is not None and found.token.is_valid(datetime.now(UTC))


async def _bearer(request: Request) -> Token | None:
    return bearer(request.scope)


Bearer = Annotated[Token | None, Depends(_bearer)]
"""As a handler is given it."""
