"""Leases, by the database's clock, which is let jump.

A lease is over when its time is, and also when it seems to last for more than twice as long as it was granted for: then
the clock was set back since. So whatever the clock does, what a worker has lost goes on within two leases.
"""

from typing import Any, Protocol

import sqlalchemy as sa

from service.storage.tables import database_clock


class Leased(Protocol):
    """A table whose rows are held for a time."""

    lease_expires_at: Any
    lease_seconds: Any


def granted(seconds: float | sa.ColumnElement[float]) -> dict[str, Any]:
    """The columns of a row that is held from now on."""
    return {"lease_expires_at": database_clock() + seconds, "lease_seconds": seconds}


def is_over(row: type[Leased]) -> sa.ColumnElement[bool]:
    """True where nobody holds the row any more."""
    left = row.lease_expires_at - database_clock()
    return sa.or_(left < 0, left > 2 * row.lease_seconds)


def holds(row: type[Leased]) -> sa.ColumnElement[bool]:
    """True where somebody does."""
    left = row.lease_expires_at - database_clock()
    return sa.and_(left > 0, sa.or_(row.lease_seconds.is_(None), left <= 2 * row.lease_seconds))
