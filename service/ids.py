"""New ids: UUIDv7, so that they sort by the time at which they were made (RFC 9562, section 5.7)."""

import uuid6


def new() -> str:
    """A new one, above all that this process has made before."""
    return str(uuid6.uuid7())
