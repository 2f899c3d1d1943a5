"""A thread that says "still here" for a worker and its runs, and hears what the database has to say to it.

It has its own connections and does no arithmetic, so training, which holds the interpreter only between kernels, cannot
starve it. The trainer never waits for it: it reads two plain attributes.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import structlog

from service.domain.run import Run
from service.errors import FencedError
from service.storage import Database, StorageError, queue, workers

LISTEN_SECONDS = 0.2
"""How often a cancel is looked for."""
RENEW_SECONDS = 1.0
"""How often a run's lease is renewed and its progress told; every lease is renewed three times in its time."""

log = structlog.get_logger(__name__)


class Interruption(StrEnum):
    """Why a run is to stop before its end."""

    CANCELLED = "cancelled"
    FENCED = "fenced"
    DRAINING = "draining"


class Watch:
    """What trainer and heartbeat share about one run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.fraction = self.told = 0.0
        self.interruption: Interruption | None = None

    def interrupted(self) -> bool:
        """True where the run is to stop."""
        return self.interruption is not None

    def progress(self, fraction: float) -> None:
        """The share of the run that is done."""
        self.fraction = fraction


class Heartbeat:
    """Started once a worker; it watches over a run from `watch` to `forget`."""

    def __init__(self, database: Database, *, worker: str, lease_seconds: float, draining: threading.Event) -> None:
        self._database = database
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._draining = draining
        self._watches: tuple[Watch, ...] = ()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to renew the worker's own lease."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        self._thread.join()

    def watch(self, run: Run) -> Watch:
        """Renew the run's lease as well, until it is forgotten."""
        watch = Watch(run)
        self._watches = (*self._watches, watch)
        return watch

    def forget(self, watch: Watch) -> None:
        """The run has ended, or is no longer ours."""
        self._watches = tuple(each for each in self._watches if each is not watch)

    def _beat(self) -> None:
        often = self._lease_seconds / 3
        since_renewal = often
        while not self._stop.wait(LISTEN_SECONDS):
            since_renewal += LISTEN_SECONDS
            try:
                self._listen()
                if since_renewal >= (min(RENEW_SECONDS, often) if self._watches else often):
                    self._renew()
                    since_renewal = 0.0
            except StorageError as error:  # a full or busy disk: the lease decides, not this thread
                log.warning("a heartbeat failed", worker=self._worker, error=str(error))

    def _listen(self) -> None:
        watches = [watch for watch in self._watches if not watch.interrupted()]
        if self._draining.is_set():
            for watch in watches:
                watch.interruption = Interruption.DRAINING
        elif watches:
            with self._database.reading() as session:
                for watch in watches:
                    with self._fencing(watch):
                        if queue.cancel_requested(session, watch.run):
                            watch.interruption = Interruption.CANCELLED

    def _renew(self) -> None:
        with self._database.writing(durable=False) as session:
            workers.renew(session, self._worker, lease_seconds=self._lease_seconds)
            for watch in self._watches:
                if watch.interruption is not Interruption.FENCED:
                    with self._fencing(watch):
                        told = {} if watch.fraction == watch.told else {"fraction": watch.fraction}
                        queue.guard(session, watch.run, lease_seconds=self._lease_seconds, **told)
                        watch.told = watch.fraction

    @contextmanager
    def _fencing(self, watch: Watch) -> Iterator[None]:
        """A run that has just ended is no longer this attempt's either: that is no news."""
        try:
            yield
        except FencedError:
            if watch in self._watches:
                watch.interruption = Interruption.FENCED
