"""Links that let others look, and change nothing."""

from fastapi import APIRouter, Depends, Request

from service import tokens
from service.api.credentials import Bearer
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ShareId
from service.api.state import Now, Writing
from service.domain.access import Share, ShareRequest, Token
from service.storage import tokens as rows

router = APIRouter(
    prefix="/v1/shares", tags=["access"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.post("", status_code=201)
def create(*, wanted: ShareRequest, session: Writing, bearer: Bearer, now: Now, request: Request) -> Share:
    """Make a link; the secret in it is shown this once. 409 where the service is open: nobody else could use it."""
    return tokens.share(session, wanted, sharer=bearer, base_url=str(request.base_url), now=now)


@router.delete("/{share_id}")
def revoke(share_id: ShareId, session: Writing, now: Now) -> Token:
    """From the next request on the link opens nothing."""
    return rows.revoke(session, share_id, now=now)
