"""The tokens, for an admin. The first one is made on the machine itself, with `ardoise token create`."""

from fastapi import APIRouter, Depends

from service import tokens as making
from service.api.credentials import Bearer
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import TokenId
from service.api.state import Now, Reading, Writing
from service.domain.access import NewToken, Token, TokenList, TokenRequest
from service.storage import tokens

router = APIRouter(
    prefix="/v1/tokens", tags=["access"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.post("", status_code=201)
def create(*, wanted: TokenRequest, session: Writing, bearer: Bearer, now: Now) -> NewToken:
    """Make one; its secret is in this answer and nowhere else. 409 on a service that is open."""
    return making.create_by(session, wanted, admin=bearer, now=now)


@router.get("")
def listing(session: Reading) -> TokenList:
    """All that were ever made, the oldest first; no secret is among what is kept of them."""
    return TokenList(items=tokens.listing(session))


@router.delete("/{token_id}")
def revoke(token_id: TokenId, session: Writing, now: Now) -> Token:
    """From the next request on it opens nothing."""
    return tokens.revoke(session, token_id, now=now)
