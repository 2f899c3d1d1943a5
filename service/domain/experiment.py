"""An experiment as the outside sees it: the spec, and what has become of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from service.domain.record import Record
from service.domain.spec import ExperimentSpec


class State(StrEnum):
    """`queued` -> `running` -> one of the ended states; back to `queued` when the worker is lost."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True where nothing more happens by itself."""
        return self in ENDED


ENDED = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


class Progress(Record):
    """How far a run is, by its stored epochs."""

    epoch: int
    epochs: int
    fraction: float
    samples_per_second: float | None
    eta_seconds: float | None


class BestEpoch(Record):
    """The epoch whose weights are the run's result."""

    epoch: int
    val_loss: float | None
    val_accuracy: float | None


class LastEpoch(BestEpoch):
    """The newest epoch."""

    train_loss: float | None
    train_accuracy: float | None


class TestResult(Record):
    """The test split, looked at once, at the end, with the best checkpoint."""

    __test__ = False  # pytest would take it for a test class by its name

    loss: float | None
    accuracy: float | None


class Failure(Record):
    """Why a run ended as `failed`."""

    type: str
    message: str
    traceback_tail: str | None = None


class Reproduction(Record):
    """A run of the same spec held against the one it repeats, to the bit."""

    of: str
    identical: bool | None
    """Null until it has ended."""
    first_different_epoch: int | None = None
    field: str | None = None
    difference: float | None = None


class Resumption(Record):
    """A later attempt, and where it went on."""

    attempt: int
    after_epoch: int
    """The epoch of the checkpoint that it began from; 0: from the start."""
    continued: bool
    """True where the run had ended there and was continued; else its worker was lost or stopped."""


class Experiment(Record):
    """The answer of `GET /v1/experiments/{id}`."""

    id: str
    name: str
    state: State
    spec: ExperimentSpec
    spec_hash: str
    sweep_id: str | None
    owner: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    queue_position: int | None
    """1 is next; null unless queued."""
    held_up: str | None = None
    """Why it is not begun though it waits; told of one experiment alone, and null in lists."""
    progress: Progress
    best: BestEpoch | None
    last: LastEpoch | None
    test: TestResult | None
    parameters: int
    diverged: bool
    attempt: int
    worker: str | None
    """`host:pid` of the process that trains, or that did."""
    resumptions: tuple[Resumption, ...]
    """One for each attempt after the first that got as far as training."""
    resumed_inexact: bool
    """True where it went on under other versions, threads or processor than it began with."""
    reproduction: Reproduction | None
    error: Failure | None
    environment: dict[str, Any] | None
    links: dict[str, str]


class ExperimentPage(Record):
    """One page of a list; `next_cursor` is null on the last."""

    items: tuple[Experiment, ...]
    next_cursor: str | None
    total: int


def links(experiment_id: str) -> dict[str, str]:
    """Where to go from an experiment."""
    own = f"/v1/experiments/{experiment_id}"
    parts = (
        "metrics", "events", "learning-curves", "findings", "notes", "checkpoints", "predictions", "model", "history",
    )  # fmt: skip
    return {"self": own} | {part.replace("-", "_"): f"{own}/{part}" for part in parts}
