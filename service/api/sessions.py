"""The dashboard's way in: a token is sent once, and is in a cookie from then on that no script can read.

The cookie is `SameSite=Strict`: no page and no link elsewhere brings it along. What changes something must come from a
page of this service besides (`service/api/guard.py`). It holds the token, so both end together.
"""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends, Request, Response

from service.api import credentials
from service.api.credentials import Bearer
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.state import Live
from service.domain.access import Session, SignIn, Token
from service.errors import NotSignedInError
from service.tokens import digest

router = APIRouter(
    prefix="/v1/session", tags=["access"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.get("")
async def present(bearer: Bearer) -> Session:
    """Who asks, and whether anybody must say so; 401 where nobody who may has."""
    return _session(bearer)


@router.post("")
async def sign_in(sent: SignIn, service: Live, request: Request, response: Response) -> Session:
    """Show a token, and be known by a cookie from now on, until the token ends; 401 where it is not valid."""
    token = (await service.admissions.find(digest(sent.token))).token
    if token is None or not token.is_valid(now := datetime.now(UTC)):
        raise NotSignedInError("this token is not valid: it is misspelt, has expired or was revoked")
    seconds = None if token.expires_at is None else int((token.expires_at - now).total_seconds())
    _set_cookie(request, response, sent.token, seconds=seconds)
    return _session(token)


@router.delete("", status_code=204)
async def sign_out(request: Request, response: Response) -> None:
    """Forget the cookie; the token stays what it is."""
    _set_cookie(request, response, "", seconds=0)


def _set_cookie(request: Request, response: Response, value: str, *, seconds: int | None) -> None:
    response.set_cookie(
        credentials.cookie_name(request.headers["host"]),
        value,
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _session(token: Token | None) -> Session:
    if token is None:
        return Session(open=True, owner=None, role=None, read_only=False, expires_at=None)
    return Session(
        open=False, owner=token.owner, role=token.role, read_only=token.read_only, expires_at=token.expires_at
    )
