"""Tokens: how one is made, and what of it is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from urllib.parse import quote

from service import ids
from service.domain.access import PREFIX, Admission, NewToken, Role, Share, ShareRequest, Token, TokenRequest
from service.errors import ConflictError
from service.storage import Database, Session, tokens
from service.storage.remembered import Remembered

Admissions = Remembered[str | None, Admission]
SECRET_BYTES = 32


def admissions(database: Database) -> Admissions:
    """What the database says of a token, by its digest, remembered for as long as nobody has changed anything."""
    return Remembered(database, tokens.admission)


def create(session: Session, request: TokenRequest, *, now: datetime) -> NewToken:
    """Make one; its secret is in the answer and is kept nowhere."""
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = Token(
        id=ids.new(),
        role=request.role,
        owner=request.owner,
        read_only=request.read_only,
        created_at=now,
        expires_at=None if request.expires_days is None else now + timedelta(days=request.expires_days),
        revoked_at=None,
    )
    tokens.add(session, token, sha256=digest(secret))
    return NewToken(**dict(token), token=secret)


def create_by(session: Session, request: TokenRequest, *, admin: Token | None, now: datetime) -> NewToken:
    """As `create`; `ConflictError` where nobody needs one yet: the first is made by who runs the service."""
    if admin is None:
        raise ConflictError("the service is open, and the first token closes it: make it with `ardoise token create`")
    return create(session, request, now=now)


def share(session: Session, request: ShareRequest, *, sharer: Token | None, base_url: str, now: datetime) -> Share:
    """A link that opens the dashboard to read; `ConflictError` where everybody may do everything anyway.

    Its token is in the part of the address that browsers send nowhere, and the dashboard takes it out of there.
    """
    if sharer is None:
        raise ConflictError("the service is open to this machine and to nobody else: a link would let in nobody more")
    wanted = TokenRequest(role=Role.STUDENT, owner=sharer.owner, read_only=True, expires_days=request.expires_days)
    made = create(session, wanted, now=now)
    assert made.expires_at is not None  # noqa: S101  # every link ends
    url = f"{base_url.rstrip('/')}/#/shared?token={made.token}&to={quote(request.view.removeprefix('#/'), safe='/')}"
    return Share(id=made.id, url=url, expires_at=made.expires_at)


def digest(secret: str) -> str:
    """By which a token is found."""
    return hashlib.sha256(secret.encode()).hexdigest()
