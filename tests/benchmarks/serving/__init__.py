"""Predictions a second over HTTP, measured. `make bench-serving` prints a table and writes `benchmarks-serving.json`.

A service and a naive app answer with the same trained weights, load generator and machine, a cell of the table after
another in turn, round by round; with them two ceilings: the model alone, without HTTP, and an empty FastAPI route. Then
the service's cells once more, beside a run that trains. A figure is the median of its rounds.
"""

from dataclasses import dataclass
from enum import StrEnum


class Body(StrEnum):
    """How an image is sent."""

    JSON = "json"
    PNG = "png"

    @property
    def media_type(self) -> str:
        """As declared."""
        return "application/json" if self is Body.JSON else "image/png"


BODIES = tuple(Body)
CONNECTIONS = (1, 8, 64)


@dataclass(frozen=True)
class Load:
    """What the generator saw of one cell in one round."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    """Answers that were no success, and connections that broke."""


@dataclass(frozen=True)
class Cell:
    """A row of the table."""

    network: str
    body: Body
    connections: int


GOALS: dict[tuple[str, Body], float] = {
    ("mnist_example", Body.JSON): 2_500,
    ("mnist_example", Body.PNG): 3_500,
    ("mlp", Body.JSON): 6_000,
    ("mlp", Body.PNG): 8_000,
}
"""Requests a second at 64 connections; with a training run beside, half of it."""
GOALS_P50_MS = {"mnist_example": 1.0, "mlp": 0.6}
"""At one connection."""
GOAL_P99_MS = 40
"""At 64."""
GOAL_MEMORY_MB = 400
"""Of an API process."""
