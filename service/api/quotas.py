"""An owner's share, beyond which the answer is 429 and others go on as if nothing had been asked."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends
from starlette.types import Scope

from service.api.credentials import Bearer
from service.api.state import Live, Writing
from service.domain.access import Token
from service.errors import TooManyError
from service.fair_use import Rate
from service.storage import Session, queue

ROOM_SECONDS = 30
"""After so long some of an owner's runs may have begun."""
_IMAGES = "ardoise.images"


def require_turn(rate: Rate, token: Token, *, what: str) -> None:
    """Count one more for the token's owner; `TooManyError` where that is too many."""
    seconds = rate.wait(token.owner)
    if seconds:
        often = "a second" if rate.seconds == 1 else f"in {rate.seconds:.0f} seconds"
        message = f"{token.owner!r} may ask for {rate.most:,} {what} {often}; there is room again in {seconds} s"
        raise TooManyError(message, retry_after=seconds)


def let_show(scope: Scope, rate: Rate, token: Token) -> None:
    """Count the first image of a request that shows some to a network; `TooManyError` where that is too many."""
    require_turn(rate, token, what="images")
    scope[_IMAGES] = rate, token.owner


def count_images(scope: Scope, shown: int, *, before: int = 0) -> None:
    """Count the others, which are known once the body is read; `before` of the request's are counted already."""
    rate, owner = scope.get(_IMAGES, (None, ""))
    if rate is not None:
        rate.charge(owner, shown if before else shown - 1)


def _submitting(session: Writing, service: Live, bearer: Bearer) -> Iterator[Session]:
    yield session
    # Still in the transaction: it ends without a commit where this fails.
    most = service.settings.owner_queued
    if bearer is not None and most and queue.count_waiting(session, bearer.owner) > most:
        message = f"{bearer.owner!r} may have {most:,} runs waiting, and this would be more: nothing was stored"
        raise TooManyError(message, retry_after=ROOM_SECONDS)


Submitting = Annotated[Session, Depends(_submitting, scope="function")]
"""As `Writing`, where runs are stored: all that a request asks for, or nothing where its owner has no room for it."""
