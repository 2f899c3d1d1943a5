"""What a worker takes next: evaluations first, as they take a second or two, but never so many that runs starve.

A run that is being trained is not interrupted for an evaluation: that waits for a worker that is free.
"""

from datetime import UTC, datetime

from service import failpoints
from service.domain.evaluation import EvaluationJob
from service.domain.run import Run
from service.failpoints import Point
from service.storage import Database, evaluation_queue, queue

EVALUATING_SECONDS = 5.0
"""After so long with evaluations, a run that waits has its turn."""


class Turns:
    """One worker's; errors of the database go through."""

    def __init__(self, database: Database, *, worker: str, lease_seconds: float, most_running: int = 0) -> None:
        self._database, self._worker, self._lease_seconds = database, worker, lease_seconds
        self._most_running = most_running
        self._evaluating = 0.0

    def take(self) -> Run | EvaluationJob | None:
        """Claim the next; None where nothing waits."""
        if self._evaluating < EVALUATING_SECONDS:
            return self._evaluation() or self._run()
        return self._run() or self._evaluation()

    def took(self, taken: Run | EvaluationJob, *, seconds: float) -> None:
        """The worker was so long at it."""
        self._evaluating = self._evaluating + seconds if isinstance(taken, EvaluationJob) else 0.0

    def _run(self) -> Run | None:
        with self._database.reading() as session:
            if not queue.anything_waiting(session):
                return None
        with self._database.writing() as session:
            now = datetime.now(UTC)
            run = queue.claim(
                session,
                worker=self._worker,
                lease_seconds=self._lease_seconds,
                now=now,
                most_running=self._most_running,
            )
        if run is not None:
            failpoints.reach(Point.CLAIMED, [run.spec.name])
        return run

    def _evaluation(self) -> EvaluationJob | None:
        with self._database.reading() as session:
            if not evaluation_queue.anything_waiting(session):
                return None
        with self._database.writing() as session:
            now = datetime.now(UTC)
            return evaluation_queue.claim(session, worker=self._worker, lease_seconds=self._lease_seconds, now=now)
