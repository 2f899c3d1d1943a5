"""A client's keys: a repeat of a request finds the experiment that the first one made."""

import hashlib
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import ConflictError
from service.storage.tables import IdempotencyRow


def remembered(session: Session, key: str, *, owner: str | None, body_sha256: str) -> str | None:
    """The id of the experiment that the key was used for; `ConflictError` where that was for another body.

    To be called in the transaction that stores the experiment: one with the same key waits here until it has ended.
    """
    _wait_for_others(session, key, owner)
    row = session.get(IdempotencyRow, (owner or "", key))
    if row is None:
        return None
    if row.body_sha256 != body_sha256:
        raise ConflictError(f"the idempotency key {key!r} was used for another body")
    return row.experiment_id


def remember(
    session: Session, key: str, *, owner: str | None, body_sha256: str, experiment_id: str, now: datetime
) -> None:
    """Keep the key in the transaction that stores the experiment."""
    session.execute(
        sa.insert(IdempotencyRow).values(
            owner=owner or "", key=key, body_sha256=body_sha256, experiment_id=experiment_id, created_at=now
        )
    )


def _wait_for_others(session: Session, key: str, owner: str | None) -> None:
    """A write transaction of SQLite is alone already; PostgreSQL locks the key until the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        digest = hashlib.sha256(f"{owner or ''}\n{key}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        session.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
