"""What a worker is given when it claims an experiment."""

from datetime import datetime
from typing import Any

from service.domain.experiment import Resumption
from service.domain.record import Record
from service.domain.spec import ExperimentSpec


class Run(Record):
    """One attempt at one experiment. `attempt` is the fence: it goes with every write."""

    experiment_id: str
    submitted_at: datetime
    attempt: int
    spec: ExperimentSpec
    cohort: str | None
    """Runs of the same value can be trained side by side; null: alone."""
    parameters: int
    epoch: int
    """The newest epoch that is stored; it may be newer than any checkpoint."""
    continued_from: int
    """Where the run had ended before it was continued; 0: never."""
    failures: int
    """Attempts in a row, before this one, that ended without a new checkpoint."""
    reproduces: str | None
    environment: dict[str, Any] | None
    """That of the first attempt; null where this is the first."""
    resumptions: tuple[Resumption, ...] = ()


class Company(Record):
    """How the runs of a cohort stand."""

    waiting: int
    running: int
    workers: int
    """Workers that train some of it."""
    idle: int
    """Workers that train nothing."""


class WorkerFacts(Record):
    """A row of `GET /v1/workers`."""

    id: str
    alive: bool
    started_at: datetime
    experiment_id: str | None
    """One of the runs that it trains."""
    experiment_ids: tuple[str, ...]
    """All of them: several where they are trained side by side."""
    facts: dict[str, Any]


class WorkerList(Record):
    """Who is there."""

    items: tuple[WorkerFacts, ...]


class QueueFacts(Record):
    """The answer of `GET /v1/queue`: how many are in each state, and the next and the running ones by id."""

    queued: int
    running: int
    evaluations: int
    """How many evaluations wait, for a worker, before runs, or for the end of their own run."""
    waiting: tuple[str, ...]
    active: tuple[str, ...]
    held_up: str | None = None
    """Why nothing of what waits is begun; null where it will be."""
