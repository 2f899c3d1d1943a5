"""What has happened to a run, event by event, in the order in which it was stored."""

from datetime import datetime
from enum import StrEnum

from service.domain.experiment import State
from service.domain.record import Record


class EventKind(StrEnum):
    """What can happen to a run."""

    QUEUED = "queued"
    """It was accepted."""
    CLAIMED = "claimed"
    """A worker has taken it, which begins an attempt."""
    RESUMED = "resumed"
    """A later attempt goes on after `epoch`; 0: from the start."""
    GIVEN_BACK = "given_back"
    """Its worker was told to stop; it waits again."""
    LOST = "lost"
    """It was taken from its worker, for the `reason`; it waits again, unless the next event says that it ended."""
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"
    CONTINUED = "continued"
    """Somebody has it trained further after `epoch`; it waits again."""
    FAILED = "failed"
    COMPLETED = "completed"
    WEIGHTS_REMOVED = "weights_removed"
    """Its checkpoints went to make room on the disk; all else of it stays."""


class Event(Record):
    """One thing that happened."""

    number: int
    """From 1, without gaps."""
    at: datetime
    kind: EventKind
    attempt: int
    """The one that it happened in, or the last before it; 0: there was none yet."""
    worker: str | None
    """Who has claimed it, as `host:pid`."""
    epoch: int | None
    by: str | None
    """The owner whom the request named that led to it."""
    reason: str | None


class History(Record):
    """The answer of `GET /v1/experiments/{id}/history`."""

    experiment_id: str
    state: State
    items: tuple[Event, ...]
    left_out: int
    """Events that are not kept, as there were too many: the first ones and the newest are."""
