"""Every error that Ardoise raises on purpose, and the HTTP status each one is answered with.

    ArdoiseError                      500
    ├── InvalidSpecError              422   one or more fields of a request body or query are wrong
    ├── InvalidImageError             422   an image that cannot be read as one
    ├── UnsupportedImageTypeError     415   a format outside the allow-list
    ├── TooLargeError                 413   more bytes or pixels than are accepted
    ├── NotSignedInError              401   no token, or one that is not valid
    ├── ForbiddenError                403   the token does not allow it, or another site asks for it
    ├── NotFoundError                 404   no such experiment, checkpoint, data set, ...
    ├── ConflictError                 409   the state of the resource forbids it
    ├── DamagedCheckpointError        409   the stored file is not what was written
    ├── MisdirectedError              421   asked for by a name that is none of the service's
    ├── TooManyError                  429   an owner asks for more than their share
    ├── DatasetUnavailableError       503   the data set is not here and cannot be fetched
    ├── DeviceUnavailableError        503   the run asks for a device that this machine has not
    ├── UnexportableError             501   a format cannot hold a layer of the network
    ├── BusyError                     503   more requests wait already than are let wait
    ├── NotReadyError                 503   something that the service needs is missing
    └── FencedError                   500   a worker lost its run to a later attempt (never leaves the worker)

The message of an error is for its reader: it names the value that was wrong and what was allowed.
"""

from http import HTTPStatus
from typing import ClassVar

from service.domain.record import Record


class FieldError(Record):
    """One wrong field: where (JSON pointer, RFC 6901, as a URI fragment), what, and a stable code."""

    pointer: str
    detail: str
    code: str


class ArdoiseError(Exception):
    """The root: a message for people and the status it is answered with."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    retry_after: int | None = None
    """Seconds after which it is worth asking again, where that is known."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidSpecError(ArdoiseError):
    """The request is well-formed but says something that is not allowed; carries every wrong field."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("1 field is invalid" if len(errors) == 1 else f"{len(errors)} fields are invalid")
        self.errors = errors


class InvalidImageError(ArdoiseError):
    """The image cannot be read; `pointer` says which of several."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, message: str, *, pointer: str = "#") -> None:
        super().__init__(message)
        self.pointer = pointer


class UnsupportedImageTypeError(ArdoiseError):
    """A format outside the allow-list."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class TooLargeError(ArdoiseError):
    """More bytes or pixels than are accepted; `pointer` says where."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, message: str, *, pointer: str = "#") -> None:
        super().__init__(message)
        self.pointer = pointer


class NotSignedInError(ArdoiseError):
    """Nobody knows who asks."""

    status = HTTPStatus.UNAUTHORIZED


class ForbiddenError(ArdoiseError):
    """It is known who asks, and they may not."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(ArdoiseError):
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND


class ConflictError(ArdoiseError):
    """The resource is in a state that forbids it."""

    status = HTTPStatus.CONFLICT


class DamagedCheckpointError(ArdoiseError):
    """A stored checkpoint is not, byte for byte, what was written."""

    status = HTTPStatus.CONFLICT


class MisdirectedError(ArdoiseError):
    """The request is for another host."""

    status = HTTPStatus.MISDIRECTED_REQUEST


class TooManyError(ArdoiseError):
    """More than an owner's share."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DatasetUnavailableError(ArdoiseError):
    """The data set is not on this machine and cannot be fetched."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class DeviceUnavailableError(ArdoiseError):
    """The run asks for a device that this machine has not."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class UnexportableError(ArdoiseError):
    """The network has a layer that the format cannot hold, or that would answer otherwise in it."""

    status = HTTPStatus.NOT_IMPLEMENTED


class BusyError(ArdoiseError):
    """More is asked than is answered in time: ask again later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class NotReadyError(ArdoiseError):
    """Something that the service needs is missing; carries a sentence for each such thing."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("not ready: " + "; ".join(reasons))
        self.reasons = reasons


class FencedError(ArdoiseError):
    """The run is no longer this attempt's to write."""
