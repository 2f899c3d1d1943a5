"""Tokens: made, listed, revoked, and found by their hash. A row is never deleted: that one was made closes the door."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.access import Admission, Role, Token
from service.errors import NotFoundError
from service.storage.tables import TokenRow


def add(session: Session, token: Token, *, sha256: str) -> None:
    """Store it, by the hash of its secret."""
    session.add(TokenRow(**dict(token), sha256=sha256))
    session.flush()


def listing(session: Session) -> tuple[Token, ...]:
    """All that were ever made, the oldest first."""
    return tuple(_record(row) for row in session.scalars(sa.select(TokenRow).order_by(TokenRow.id)))


def get(session: Session, token_id: str) -> Token:
    """One of them; `NotFoundError` where there is none of this id."""
    row = session.get(TokenRow, token_id)
    if row is None:
        raise NotFoundError(f"there is no token {token_id!r}")
    return _record(row)


def revoke(session: Session, token_id: str, *, now: datetime) -> Token:
    """From now on it opens nothing; once more changes nothing. `NotFoundError` as `get`."""
    session.execute(
        sa.update(TokenRow).where(TokenRow.id == token_id, TokenRow.revoked_at.is_(None)).values(revoked_at=now)
    )
    return get(session, token_id)


def exist(session: Session) -> bool:
    """True once one has been made."""
    return session.scalar(sa.select(TokenRow.id).limit(1)) is not None


def admission(session: Session, sha256: str | None, _before: Admission | None) -> Admission:
    """What there is of this hash, valid or not; None: nothing was shown."""
    row = None if sha256 is None else session.scalar(sa.select(TokenRow).where(TokenRow.sha256 == sha256))
    return Admission(token=None if row is None else _record(row), is_closed=row is not None or exist(session))


def _record(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        role=Role(row.role),
        owner=row.owner,
        read_only=row.read_only,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
