"""A claimed run, and those that are trained beside it, epoch by epoch until all have ended.

Waiting runs that may join are asked for between two epochs, so a sweep's runs come together however they were
submitted; and one that has ended, was cancelled or has failed leaves the others as they are.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.telemetry.measures import QUEUE_WAITS
from workers import cohort, peers, recording
from workers.attempt import Attempt
from workers.cohort import Company
from workers.heartbeat import Heartbeat
from workers.trainer import train_epoch
from workers.workshop import Workshop

PEERS_SECONDS = 0.1
"""How often waiting runs are looked for that may join."""

log = structlog.get_logger(__name__)


def execute(run: Run, workshop: Workshop, heartbeat: Heartbeat) -> None:
    """Train the run, and those of its cohort that wait meanwhile; nothing is raised, whatever becomes of them."""
    group = _Group(workshop, heartbeat)
    group.prepare([run])
    while group.attempts:
        group.invite()
        group.begin()
        group.train()


class _Group:
    """The attempts that are trained side by side now; mostly it is one."""

    def __init__(self, workshop: Workshop, heartbeat: Heartbeat) -> None:
        self.attempts: list[Attempt] = []
        self._workshop, self._heartbeat = workshop, heartbeat
        self._looked = float("-inf")
        self._stacked: list[Attempt] = []
        self._cohort: Company | None = None

    def prepare(self, runs: Sequence[Run]) -> None:
        """Take claimed runs in, each with its data and its network."""
        for run in runs:
            if run.attempt == 1:
                QUEUE_WAITS.observe(max(0.0, (datetime.now(UTC) - run.submitted_at).total_seconds()))
            attempt = Attempt(run, self._workshop, self._heartbeat.watch(run))
            self.attempts.append(attempt)
            with attempt.answering():
                attempt.prepare()
        self._let_go()

    def invite(self) -> None:
        """Claim runs that wait and may join."""
        if not self.attempts or time.monotonic() - self._looked < PEERS_SECONDS:
            return
        first = self.attempts[0]
        most = cohort.capacity(first.learner) - len(self.attempts)
        if most > 0:
            members = len(self.attempts)
            self.prepare(peers.claim(first.run, self._workshop, threads=first.threads, members=members, most=most))
        self._looked = time.monotonic()

    def begin(self) -> None:
        """Those that are new go on from their last checkpoint, if there is any."""
        for attempt in self.attempts:
            if not attempt.begun:
                with attempt.answering():
                    attempt.begin(beside=len(self.attempts) - 1)
        self._record()

    def train(self) -> None:
        """One epoch of each, and what there is to be stored of it."""
        attempts = self.attempts
        for attempt, epoch in zip(attempts, self._epochs(attempts), strict=True):
            if epoch is not None and not attempt.ended:
                with attempt.answering():
                    attempt.take(epoch)
        self._record()

    def _epochs(self, attempts: Sequence[Attempt]) -> Sequence[EpochMetrics | None]:
        self._stack(attempts)
        courses = [attempt.course for attempt in attempts]
        try:
            if self._cohort is not None:
                return train_epoch(courses, self._cohort)
            return [epoch for course in courses for epoch in train_epoch([course])]
        except Exception as error:  # it is stored as the reason
            if len(attempts) == 1:
                with attempts[0].answering():
                    raise
            for attempt in attempts:
                if not attempt.ended:
                    attempt.retreat(error)
            return [None] * len(attempts)

    def _stack(self, attempts: Sequence[Attempt]) -> None:
        """Put the networks together anew where others are to be trained than before."""
        if self._stacked == attempts:
            return
        self._stacked = list(attempts)
        learners = [attempt.learner for attempt in attempts]
        self._cohort = cohort.together(learners, images=len(attempts[0].course.data.train))
        if len(attempts) > 1:
            log.info("trained side by side", runs=len(attempts), stacked=self._cohort is not None)

    def _record(self) -> None:
        recording.record([attempt for attempt in self.attempts if not attempt.ended], self._workshop.database)
        self._let_go()

    def _let_go(self) -> None:
        for attempt in self.attempts:
            if attempt.ended:
                self._heartbeat.forget(attempt.watch)
        self.attempts = [attempt for attempt in self.attempts if not attempt.ended]
