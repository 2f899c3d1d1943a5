"""A client's keys: a repeat of a request finds the experiment that the first one made."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.errors import ConflictError
from service.storage.tables import IdempotencyRow


def remembered(session: Session, key: str, *, owner: str | None, body_sha256: str) -> str | None:
    """The id of the experiment that the key was used for; `ConflictError` where that was for another body."""
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
