"""Keeps a number of warm workers alive, passes signals on, and gives back at once the jobs of one that ended.

One that gives no sign of life any more is killed, so that another can take its place.

It imports no torch itself, so nothing that trains can take it down: workers are forked from a server process that has
imported what they need (`workers/preloaded.py`, and `multiprocessing`'s "forkserver").
"""

import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from ctypes import c_ulonglong
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import structlog

from service import logs
from service.settings import Settings
from service.storage import Database, StorageError, evaluation_queue, migrations, queue, workers
from workers.ending import DRAIN_SECONDS, follow_parent, stop_on_signals
from workers.memory_kills import MemoryKills

POLL_SECONDS = 0.05
SILENT_SECONDS = 60.0
"""Twice as long as the database may keep a heartbeat waiting (`BUSY_TIMEOUT_MS` in `service/storage/engine.py`)."""
SHORT_LIFE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 10.0
NICENESS = 10
"""What a worker adds to the niceness that it was started with: the API's few milliseconds go before an epoch's seconds.

With both cores taken by workers, a read's 3 ms took 5.5 ms at the median without it, and 3 ms with it. Linux weighs it
within a control group; where it groups processes by their session (sched(7), "autogroup"), within the session.
"""
LONGEST_TEMPORARY_FOLDER = 107 - len("/pymp-12345678/listener-12345678")

_CONTEXT = multiprocessing.get_context("forkserver")
_PATIENT = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""Threads that spin while they wait would take the cores from the other workers; NumPy's are not needed at all."""

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

log = structlog.get_logger(__name__)


class Slot:
    """One place for a worker: the process that fills it now, and when the next may be started."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: ForkServerProcess | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.short_lives = 0
        self.done = False
        self.silent_seconds = 0.0
        """By the supervisor's count: if all slept, or a clock jumped, nobody was silent."""
        self._lifeline: Connection | None = None
        self._beats, self._heard = c_ulonglong(), 0

    def start(self, settings: Settings, *, threads: int, drain: bool) -> None:
        """Fill the slot; the worker reads the other end of a pipe of ours, so that it ends when we do."""
        theirs, self._lifeline = _CONTEXT.Pipe(duplex=False)
        self._beats, self._heard, self.silent_seconds = _CONTEXT.RawValue(c_ulonglong), 0, 0.0
        self.process = _CONTEXT.Process(
            target=fill_slot, args=(settings, theirs, self._beats, threads, drain), name=f"worker {self.number}"
        )
        self.process.start()
        theirs.close()
        self.started_at = time.monotonic()

    def listen(self, *, longest_silence: float) -> None:
        """Every `POLL_SECONDS`: kill a worker of which nothing was heard for so long after its first sign of life."""
        heard = self._beats.value
        goes_on = not heard or heard != self._heard
        self._heard, self.silent_seconds = heard, 0.0 if goes_on else self.silent_seconds + POLL_SECONDS
        if self.process is not None and self.silent_seconds > longest_silence:
            self.process.kill()

    def ended(self) -> "ForkServerProcess | None":
        """The process if it has ended; the slot is then empty, and waits the longer the shorter lives were."""
        process = self.process
        if process is None or process.exitcode is None:
            return None
        if self._lifeline is not None:
            self._lifeline.close()
        now = time.monotonic()
        self.short_lives = self.short_lives + 1 if now - self.started_at < SHORT_LIFE_SECONDS else 0
        pause = min(LONGEST_PAUSE_SECONDS, 0.1 * 2**self.short_lives) if self.short_lives else 0.0
        self.start_at = now + pause
        self.process = None
        return process


def fill_slot(settings: Settings, lifeline: Connection, beats: c_ulonglong, threads: int, drain: bool) -> None:
    """In the new process: be a worker."""
    os.nice(NICENESS)  # before there are threads: those that are there already keep their own
    from workers.preloaded import work

    def count() -> None:
        beats.value += 1

    logs.configure(settings)
    work(settings, lifeline=lifeline.fileno(), threads=threads, drain=drain, on_beat=count)


def supervise(settings: Settings, *, count: int, drain: bool, until_stdin_closes: bool) -> int:
    """Run until told to stop or, with `drain`, until the queue is empty. The exit status."""
    stop = threading.Event()
    stop_on_signals(stop)
    if until_stdin_closes:
        follow_parent(stop, lifeline=sys.stdin.fileno())
    database = Database(settings.database)
    migrations.ensure_current(database)
    _release_dead_neighbours(settings, database)
    threads = settings.threads(workers=count)
    for variable, value in _PATIENT.items():
        os.environ.setdefault(variable, value)
    _keep_socket_paths_short()
    _CONTEXT.set_forkserver_preload(["workers.preloaded"])
    slots = [Slot(number) for number in range(count)]
    kills = MemoryKills()
    longest_silence = min(SILENT_SECONDS, settings.stall_seconds)
    while not stop.is_set() and not all(slot.done for slot in slots):
        for slot in slots:
            slot.listen(longest_silence=longest_silence)
            if (process := slot.ended()) is not None:
                slot.done = drain and process.exitcode == 0
                silent = slot.silent_seconds > longest_silence
                _after(process, settings, database, how=_how(process, silent=silent, out_of_memory=kills.happened()))
            if slot.process is None and not slot.done and time.monotonic() >= slot.start_at:
                slot.start(settings, threads=threads, drain=drain)
        kills.look()
        stop.wait(POLL_SECONDS)
    stop_all(slots, settings, database)
    database.close()
    return 0


def _keep_socket_paths_short() -> None:
    """The fork server listens on a socket in the temporary folder, and a socket's path has at most 107 bytes.

    Python 3.14 does the same by itself.
    """
    if len(os.fsencode(tempfile.gettempdir())) > LONGEST_TEMPORARY_FOLDER:
        tempfile.tempdir = "/tmp"  # noqa: S108  # what is made in it is made with mkdtemp


def _after(
    process: "ForkServerProcess",
    settings: Settings,
    database: Database,
    *,
    how: str,
    stopped: bool = False,
) -> None:
    """A worker has ended: what it was at goes back to the queue now, not when its lease is over.

    That is no failure of its run where the worker was `stopped` on purpose.
    """
    worker = f"{socket.gethostname()}:{process.pid}"
    if process.exitcode and not stopped:
        log.warning("a worker ended", worker=worker, how=how)
    _release(worker, settings, database, why=f"its worker {how}", blameless=stopped)


def _how(process: "ForkServerProcess", *, silent: bool = False, out_of_memory: bool = False) -> str:
    code = process.exitcode or 0
    if silent:
        return "gave no sign of life and was killed"
    if code == -signal.SIGKILL and out_of_memory:
        return "ended by SIGKILL, as there was no memory left"
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def _release(worker: str, settings: Settings, database: Database, *, why: str, blameless: bool = False) -> None:
    now, most = datetime.now(UTC), settings.max_failures
    try:
        with database.writing() as session:
            runs = queue.release_worker(session, worker, max_failures=most, now=now, why=why, blameless=blameless)
            evaluations = evaluation_queue.release_worker(session, worker, max_failures=most, now=now, why=why)
            workers.leave(session, worker)
        if runs or evaluations:
            lost = {"experiment_ids": runs, "evaluation_ids": evaluations}
            log.warning("gave back to the queue what a worker was at", worker=worker, **lost, why=why)
    except StorageError as error:
        log.warning("what a worker was at could not be given back; its lease will end", worker=worker, error=str(error))


def _release_dead_neighbours(settings: Settings, database: Database) -> None:
    """Workers of this machine that an earlier supervisor could not bury: their processes are not there any more."""
    host = socket.gethostname()
    with database.reading() as session:
        known = queue.running_workers(session) | evaluation_queue.running_workers(session)
    for worker in known:
        where, _, pid = worker.rpartition(":")
        if where == host and pid.isdecimal() and not _exists(int(pid)):
            _release(worker, settings, database, why="its worker's process is gone")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stop_all(slots: list[Slot], settings: Settings, database: Database) -> None:
    """Ask all to stop, wait, and end those that do not."""
    running = [slot.process for slot in slots if slot.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + DRAIN_SECONDS
    for process in running:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            log.warning("a worker did not stop in time and is killed", pid=process.pid)
            process.kill()
            process.join()
        _after(process, settings, database, how=_how(process), stopped=True)
