"""What is kept of runs that have ended, and for how long."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from service.domain.experiment import State
from service.domain.record import Record

Days = Annotated[float, Field(gt=0, le=36_500)]
Bytes = Annotated[int, Field(ge=0)]


class Policy(Record):
    """Of runs that have ended and are not held, the weights go, those of the run that ended first before the others."""

    keep_days: Days | None = None
    """Once they ended so long ago; null: never for that."""
    keep_bytes: Bytes | None = None
    """While all artifacts together have more; null: never for that."""


class Expendable(Record):
    """A run whose weights may go."""

    experiment_id: str
    name: str
    state: State
    finished_at: datetime
    bytes: int
