"""A thread that says "still here" for a worker and its jobs, and hears what the database has to say to it.

It has its own connections and does no arithmetic, so training, which holds the interpreter only between kernels, cannot
starve it. The trainer never waits for it: it reads two plain attributes.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog

from service import failpoints
from service.domain.evaluation import EvaluationJob
from service.domain.run import Run
from service.errors import FencedError
from service.failpoints import Point
from service.storage import Database, Session, StorageError, evaluation_queue, queue, workers

LISTEN_SECONDS = 0.2
"""How often a cancel is looked for."""
RENEW_SECONDS = 1.0
"""How often a run's lease is renewed and its progress told; every lease is renewed three times in its time."""

log = structlog.get_logger(__name__)


class Interruption(StrEnum):
    """Why a job is to stop before its end."""

    CANCELLED = "cancelled"
    FENCED = "fenced"
    DRAINING = "draining"


class Job:
    """What a worker and its heartbeat share about something that the worker has claimed."""

    def __init__(self) -> None:
        self.interruption: Interruption | None = None
        self.idle_seconds = 0.0
        """By the heartbeat's count, since the job was last seen to go on."""

    def interrupted(self) -> bool:
        """True where it is to stop. It is asked before each batch: who asks goes on."""
        self.idle_seconds = 0.0
        return self.interruption is not None

    def listen(self, session: Session) -> None:
        """Note a request to stop; `FencedError` where it is no longer this attempt's."""

    def renew(self, session: Session, *, lease_seconds: float) -> None:
        """Renew the lease; `FencedError` as `listen`."""
        raise NotImplementedError


class Watch(Job):
    """What trainer and heartbeat share about one run."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.fraction = self.told = 0.0

    def progress(self, fraction: float) -> None:
        """The share of the run that is done."""
        self.fraction = fraction

    def listen(self, session: Session) -> None:
        """A cancel may have been asked for."""
        if queue.cancel_requested(session, self.run):
            self.interruption = Interruption.CANCELLED

    def renew(self, session: Session, *, lease_seconds: float) -> None:
        """Tell the progress as well."""
        told = {} if self.fraction == self.told else {"fraction": self.fraction}
        queue.guard(session, self.run, lease_seconds=lease_seconds, **told)
        self.told = self.fraction


class EvaluationWatch(Job):
    """The same about one evaluation, which is over in seconds and cannot be cancelled."""

    def __init__(self, job: EvaluationJob) -> None:
        super().__init__()
        self.job = job

    def renew(self, session: Session, *, lease_seconds: float) -> None:
        """The lease is all there is."""
        evaluation_queue.renew(session, self.job, lease_seconds=lease_seconds)


class Heartbeat:
    """Started once a worker; it watches over a job from `watch` to `forget`."""

    def __init__(
        self,
        database: Database,
        *,
        worker: str,
        lease_seconds: float,
        draining: threading.Event,
        stall_seconds: float = math.inf,
        on_stall: Callable[[], None] = lambda: None,
        on_beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_stall` is called where a job has not gone on for `stall_seconds`: nobody else can see that.

        `on_beat` is called again and again, unless the process sleeps or the database keeps this thread waiting.
        """
        self._stall_seconds, self._on_stall, self._on_beat = stall_seconds, on_stall, on_beat
        self._database = database
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._draining = draining
        self._jobs: tuple[Job, ...] = ()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to renew the worker's own lease."""
        self._on_beat()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        self._thread.join()

    def watch(self, run: Run) -> Watch:
        """Renew the run's lease as well, until it is forgotten."""
        watch = Watch(run)
        self._jobs = (*self._jobs, watch)
        return watch

    def watch_evaluation(self, job: EvaluationJob) -> EvaluationWatch:
        """Renew the evaluation's lease as well, until it is forgotten."""
        watch = EvaluationWatch(job)
        self._jobs = (*self._jobs, watch)
        return watch

    def forget(self, job: Job) -> None:
        """It has ended, or is no longer ours."""
        self._jobs = tuple(each for each in self._jobs if each is not job)

    def _beat(self) -> None:
        often = self._lease_seconds / 3
        since_renewal = often
        while not self._stop.wait(LISTEN_SECONDS):
            since_renewal += LISTEN_SECONDS
            self._on_beat()
            try:
                self._look_for_stalls()
                self._listen()
                if since_renewal >= (min(RENEW_SECONDS, often) if self._jobs else often):
                    self._renew()
                    since_renewal = 0.0
            except StorageError as error:  # a full or busy disk: the lease decides, not this thread
                log.warning("a heartbeat failed", worker=self._worker, error=str(error))

    def _look_for_stalls(self) -> None:
        """Counted in beats: a process that slept, or a clock that jumped, is no stall."""
        for job in self._jobs:
            job.idle_seconds += LISTEN_SECONDS
        if any(job.idle_seconds > self._stall_seconds for job in self._jobs):
            self._on_stall()

    def _listen(self) -> None:
        jobs = [job for job in self._jobs if job.interruption is None]
        if self._draining.is_set():
            for job in jobs:
                job.interruption = Interruption.DRAINING
        elif jobs:
            with self._database.reading() as session:
                for job in jobs:
                    with self._fencing(job):
                        job.listen(session)

    def _renew(self) -> None:
        with self._database.writing(durable=False) as session:
            workers.renew(session, self._worker, lease_seconds=self._lease_seconds)
            for job in self._jobs:
                if job.interruption is not Interruption.FENCED:
                    with self._fencing(job):
                        job.renew(session, lease_seconds=self._lease_seconds)
            failpoints.reach(Point.RENEWING)

    @contextmanager
    def _fencing(self, job: Job) -> Iterator[None]:
        """A job that has just ended is no longer this attempt's either: that is no news."""
        try:
            yield
        except FencedError:
            if job in self._jobs:
                job.interruption = Interruption.FENCED
