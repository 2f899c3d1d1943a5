"""Several API processes behind one socket, kept by their parent: one that ends by itself is replaced.

The parent listens and accepts nothing. All accept from its socket, so a connection that waits to be accepted is lost
with none of them, and one that is accepted goes to a process that has time for it. They are forked from a server that
has imported what they need (`service/api/preloaded.py`).
"""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import structlog

from service.api import replica
from service.api.server import LAST_REQUESTS_SECONDS
from service.settings import Settings

TICK_SECONDS = 0.05
GRACE_SECONDS = LAST_REQUESTS_SECONDS + 5.0
"""After this long an API process that was asked to end is killed."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0
STEADY_SECONDS = 60.0
"""After one that lived so long, the next is started as promptly as after the first."""
UNKNOWN_END = 255
"""The exit status of a process that nobody could wait for: it may be there yet."""
_ENVIRONMENT = {"PYTHONSAFEPATH": "1", "OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""Of the fork server: nothing is imported from the current folder, and NumPy's threads spin beside nobody's work."""

_CONTEXT = multiprocessing.get_context("forkserver")

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

log = structlog.get_logger(__name__)


class _Place:
    """One place for an API process: the one that fills it now, and when the next may be started."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: ForkServerProcess | None = None
        self.answers = False
        self.start_at = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._started_at = 0.0
        self._lifeline: Connection | None = None

    def fill(self, settings: Settings, listener: socket.socket) -> None:
        """Start a process; it ends when our end of the pipe does."""
        self._lifeline, theirs = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(
            target=replica.answer, args=(settings, listener, theirs), name=f"API process {self.number}"
        )
        self.process.start()
        theirs.close()
        self._started_at = time.monotonic()

    def hear(self) -> None:
        """Has it begun to answer?"""
        try:
            if self._lifeline is not None and not self.answers and self._lifeline.poll():
                self.answers = self._lifeline.recv_bytes() == replica.STARTED
        except (EOFError, OSError):
            self.answers = False  # it has ended, which its exit status will say more of

    def vacate(self) -> int | None:
        """The exit status of one that has ended; the place is then empty. None where it goes on."""
        process = self.process
        if process is None or process.exitcode is None:
            return None
        if process.exitcode == UNKNOWN_END and process.pid is not None:
            _kill(process.pid)
        if self._lifeline is not None:
            self._lifeline.close()
        now = time.monotonic()
        if now - self._started_at > STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        self.start_at = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        self.process, self.answers = None, False
        return process.exitcode


class Replicas:
    """`settings.api_processes` of them, for as long as `answer` runs."""

    def __init__(self, settings: Settings, *, on_start: Callable[[], None], on_end: Callable[[], None]) -> None:
        """`on_start` is called when all answer for the first time, `on_end` when they are told to end."""
        self.started = self.failed = self.force_exit = False
        self._settings = settings
        self._on_start, self._on_end = on_start, on_end
        self._places = [_Place(number) for number in range(1, settings.api_processes + 1)]
        self._ending = False

    def answer(self, listener: socket.socket) -> None:
        """Until told to end, or until one ends before all have answered, which then has `failed`."""
        signal.signal(signal.SIGINT, self._interrupt)
        os.environ.update({name: os.environ.get(name, value) for name, value in _ENVIRONMENT.items()})
        _CONTEXT.set_forkserver_preload(["service.api.preloaded"])
        while not self._ending:
            self._fill_places(listener)
            self._wait()
            self._look_after()
            if not self.started and all(place.answers for place in self._places):
                self.started = True
                self._on_start()
        self._on_end()
        listener.close()
        self._end_all()

    def end(self) -> None:
        """Let them answer what is in flight and end."""
        self._ending = True

    def _interrupt(self, *_: object) -> None:
        """A second one: at once."""
        self.force_exit = self._ending
        self._ending = True

    def _fill_places(self, listener: socket.socket) -> None:
        for place in self._places:
            if place.process is None and time.monotonic() >= place.start_at:
                place.fill(self._settings, listener)

    def _wait(self) -> None:
        """A tick, or until one of them ends."""
        connection.wait([place.process.sentinel for place in self._places if place.process], timeout=TICK_SECONDS)

    def _look_after(self) -> None:
        for place in self._places:
            place.hear()
            pid = place.process.pid if place.process else None
            status = place.vacate()
            if status is None or self._ending:
                continue
            if not self.started:  # it will be no better the next time
                self.failed = self._ending = True
            else:
                log.error("an API process ended by itself and is replaced", pid=pid, status=status)

    def _end_all(self) -> None:
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        hurried = False
        while running and time.monotonic() < deadline:
            if self.force_exit and not hurried:
                hurried = True
                for process in running:
                    _kill(process.pid, signal.SIGINT)  # the second, for which uvicorn waits for nothing
            connection.wait([process.sentinel for process in running], timeout=TICK_SECONDS)
            running = [process for process in running if process.exitcode is None]
        for process in running:
            log.warning("an API process did not end in time and is killed", pid=process.pid)
            process.kill()
            process.join()


def _kill(pid: int | None, number: int = signal.SIGKILL) -> None:
    try:
        if pid is not None:
            os.kill(pid, number)
    except ProcessLookupError:
        pass
