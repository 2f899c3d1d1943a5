"""A claimed run, and those that are trained beside it, epoch by epoch until all have ended.

Waiting runs that may join are asked for between two epochs: a sweep's runs come together however they were submitted,
and whoever has ended, was cancelled or has failed leaves the others as they are.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack

import structlog

from service.domain.run import Run
from service.storage import StorageError
from workers import peers
from workers.attempt import Attempt
from workers.cohort import Cohort, agree, capacity
from workers.heartbeat import Heartbeat
from workers.learners import DenseLearner
from workers.trainer import train_epoch
from workers.workshop import Workshop

PEERS_SECONDS = 0.1
"""How often waiting runs are looked for that may join."""

log = structlog.get_logger(__name__)


def execute(run: Run, workshop: Workshop, heartbeat: Heartbeat) -> None:
    """Train the run, and runs of its cohort that wait meanwhile; nothing is raised, whatever becomes of them."""
    with ExitStack() as watches:
        group = _Group(workshop, heartbeat, watches)
        group.take_in([run])
        while group.attempts:
            group.invite()
            group.train_epoch()


class _Group:
    """The attempts that are trained side by side now; mostly it is one."""

    def __init__(self, workshop: Workshop, heartbeat: Heartbeat, watches: ExitStack) -> None:
        self.attempts: list[Attempt] = []
        self._workshop, self._heartbeat, self._watches = workshop, heartbeat, watches
        self._invited = float("-inf")
        self._cohort: Cohort | None = None
        self._stacked: list[Attempt] = []

    def take_in(self, runs: Sequence[Run]) -> None:
        """Claimed runs: each is made ready, or has ended by what went wrong in that."""
        ready = []
        for run in runs:
            attempt = Attempt(run, self._workshop, self._watches.enter_context(self._heartbeat.watching(run)))
            with attempt.answering():
                attempt.prepare()
            if not attempt.ended:
                ready.append(attempt)
        ...
