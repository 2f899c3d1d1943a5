"""Who may do what: tokens, their roles, and the one rule.

Everybody with a token reads everything. What is changed belongs to somebody: an experiment, a sweep and an evaluation
to whose token sent them, a model to who registered its first version, a note to its author and to the owner of its
experiment.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from service.domain.record import Record

PREFIX = "ardoise_"
"""Of every token: whoever finds one in a log or a repository sees what it is."""
LONGEST_DAYS = 3_660


class Role(StrEnum):
    """A student changes what is their own, a teacher what is anybody's, an admin the tokens as well."""

    STUDENT = "student"
    TEACHER = "teacher"
    ADMIN = "admin"


class Action(StrEnum):
    """What a request is about."""

    READ = "read"
    ADD = "add"
    """Something new, which becomes the caller's own."""
    CHANGE = "change"
    """What is there already, and somebody's."""
    ADMINISTER = "administer"
    """The tokens."""


def _printable(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise PydanticCustomError("not_printable", "must hold printable characters only, and no blank at either end")
    return name


OwnerName = Annotated[str, Field(min_length=1, max_length=200, strict=True), AfterValidator(_printable)]
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS, strict=True)]


class Token(Record):
    """All that is kept of a token, but for the hash by which it is found."""

    id: str
    """By which it is revoked; it opens nothing."""
    role: Role
    owner: OwnerName
    read_only: bool
    """It changes nothing, whatever its role: links that are shared hold such a one."""
    created_at: datetime
    expires_at: datetime | None
    """Null: never."""
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def may(self, action: Action, owners: Collection[str | None] = ()) -> bool:
        """Whether its bearer may do so, to what belongs to any of these."""
        if action is Action.READ:
            return True
        if self.read_only:
            return False
        match action:
            case Action.ADD:
                return True
            case Action.CHANGE:
                return self.role is not Role.STUDENT or self.owner in owners
            case Action.ADMINISTER:
                return self.role is Role.ADMIN


class TokenRequest(Record):
    """A token that is to be made."""

    role: Role
    owner: OwnerName
    read_only: bool = False
    expires_days: Days | None = None


class NewToken(Token):
    """A token as it is shown once, when it has been made."""

    token: str
    """The secret itself."""


class TokenList(Record):
    """What `GET /v1/tokens` answers."""

    items: tuple[Token, ...]
    """The oldest first; those that have been revoked or have expired among them."""


class Admission(Record):
    """What the database says of a credential."""

    token: Token | None
    """Null: there is none such."""
    is_closed: bool
    """A token has been made, if this is not it: nobody comes in without one any more, whatever becomes of it."""


class SignIn(Record):
    """What is posted to sign in."""

    token: Annotated[str, Field(min_length=1, max_length=200, strict=True)]


class Session(Record):
    """Who asks, as the service sees it."""

    open: bool
    """True where everybody who reaches the service may do everything: there are no tokens."""
    owner: str | None
    role: Role | None
    read_only: bool
    expires_at: datetime | None


class ShareRequest(Record):
    """A link that is to be made."""

    view: Annotated[str, Field(pattern=r"^#/[!-~]{0,500}$", strict=True)] = "#/experiments"
    """What it shows: the part of the dashboard's address from `#` on."""
    expires_days: Days = 30


class Share(Record):
    """A link, as it is shown once."""

    id: str
    """Of the token in it, by which it is revoked."""
    url: str
    expires_at: datetime
