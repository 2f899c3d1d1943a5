"""Examples of tokens, sessions and links for the documentation."""

from datetime import UTC, datetime, timedelta

from service.domain.access import (
    PREFIX,
    NewToken,
    Role,
    Session,
    Share,
    ShareRequest,
    SignIn,
    Token,
    TokenList,
    TokenRequest,
)
from service.domain.record import Record

_ID = "01997c5e-9f00-7a3b-8c4d-5e6f70819277"
_MADE = datetime(2026, 1, 1, 12, tzinfo=UTC)
_ENDS = _MADE + timedelta(days=180)
_SECRET = PREFIX + "x" * 43


def records() -> tuple[Record, ...]:
    """Of all that is sent and answered about who may do what."""
    token = Token(
        id=_ID, role=Role.STUDENT, owner="ada", read_only=False, created_at=_MADE, expires_at=_ENDS, revoked_at=None
    )
    return (
        token,
        NewToken(**dict(token), token=_SECRET),
        TokenList(items=(token,)),
        TokenRequest(role=Role.STUDENT, owner="ada", expires_days=180),
        SignIn(token=_SECRET),
        Session(open=False, owner="ada", role=Role.STUDENT, read_only=False, expires_at=_ENDS),
        ShareRequest(view="#/experiments", expires_days=30),
        Share(id=_ID, url=f"http://127.0.0.1:8000/#/shared?token={_SECRET}&to=experiments", expires_at=_ENDS),
    )
