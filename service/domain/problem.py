"""An error as it is answered: RFC 9457."""

from service.domain.record import Record
from service.errors import FieldError


class Problem(Record):
    """The body of every answer that is an error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: tuple[FieldError, ...] | None = None
    """One for each wrong field."""
    reasons: tuple[str, ...] | None = None
    """What is missing, where the service is not ready."""
