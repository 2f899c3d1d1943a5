"""The numbers of this process: places of one float each, in a file that all can read while they grow.

The file has `PLACES` doubles, then a line of JSON for each place in use: the measure's name, the values of
its labels, and what of it is counted there. It is only ever appended to. The process holds `NAME.lock` for
as long as it lives: who can take it knows that the numbers are final.
"""

import json
import mmap
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

PLACES = 8192
"""Far more than there are measures and labels; who asks for more counts for nobody."""
BYTES = 8 * PLACES
SUFFIX, LOCK_SUFFIX = ".counts", ".lock"

log = structlog.get_logger(__name__)


class Tally:
    """Safe from any thread."""

    def __init__(self) -> None:
        """In memory alone, until `attach`."""
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._mapped: mmap.mmap | None = None
        self._values = memoryview(bytearray(BYTES)).cast("d")
        self._path: Path | None = None
        self._alive: FileLock | None = None

    def place(self, *name: str | Sequence[str]) -> int:
        """A new place of that name, at 0."""
        with self._lock:
            if len(self._names) < PLACES - 1:
                self._names.append(json.dumps(name) + "\n")
                if self._path is not None:
                    self._append(self._names[-1:])
                return len(self._names) - 1
        log.warning("more is counted than there are places for", name=name)
        return PLACES - 1  # which has no name

    def add(self, place: int, amount: float = 1.0) -> None:
        """Count."""
        with self._lock:
            self._values[place] += amount

    def add_two(self, place: int, amount: float, other: int, other_amount: float) -> None:
        """Both, or neither yet for a thread of this process."""
        with self._lock:
            values = self._values
            values[place] += amount
            values[other] += other_amount

    def attach(self, folder: Path) -> None:
        """Count in a new file there from now on, and from 0; where none can be written, in memory as before."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{os.getpid()}-{time.time_ns()}{SUFFIX}"
            alive = FileLock(path.with_suffix(LOCK_SUFFIX))
            alive.acquire(blocking=False)
            with path.open("wb") as file:
                file.truncate(BYTES)
            with path.open("r+b") as file:
                mapped = mmap.mmap(file.fileno(), BYTES)
        except (OSError, Timeout) as error:
            log.warning("what this process counts is not shown", folder=str(folder), error=str(error))
            return
        with self._lock:
            self._release()
            self._path, self._alive, self._mapped = path, alive, mapped
            self._values = memoryview(mapped).cast("d")
            self._append(self._names)

    def _append(self, lines: Sequence[str]) -> None:
        assert self._path is not None  # noqa: S101  # the caller has looked
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
        except OSError as error:
            log.warning("what is counted here is not named", error=str(error))

    def _release(self) -> None:
        self._values.release()
        if self._mapped is not None:
            self._mapped.close()
        if self._alive is not None:
            self._alive.release()


HERE = Tally()
"""This process's own."""
