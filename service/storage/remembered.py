"""What was read from the database, answered again without a query for as long as nobody has committed anything.

Others change it, too: workers, other API processes, other programs. Yet whatever is answered from memory is as the
database was at some moment after the question had come in. So who has seen a change, wherever that was answered, finds
it here. SQLite's data version is looked at (`storage/arrivals.py`) once for all questions that the event loop has
before it: what comes in later is asked later. Where there is none, on PostgreSQL, the answer is read anew, once for all
who ask meanwhile.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from service.storage.arrivals import Arrivals
from service.storage.engine import Database

MOST_KEPT = 512

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class _Kept(Generic[Value]):
    value: Value
    version: int | None
    """The database's, before this was read; None: nobody knows."""


@dataclass(frozen=True, eq=False)
class _Reading(Generic[Value]):
    task: "asyncio.Task[Value]"
    version: int | None


class Remembered(Generic[Key, Value]):
    """Called on one event loop; it reads in threads.

    `read` is given what was read before, if anything: where that is still so it may be returned.
    """

    def __init__(self, database: Database, read: Callable[[Session, Key, Value | None], Value]) -> None:
        self._database, self._read = database, read
        self._arrivals = Arrivals(database)
        self._kept: dict[Key, _Kept[Value]] = {}
        self._readings: dict[Key, _Reading[Value]] = {}
        self._looked = False
        self._version: int | None = None

    def known(self, key: Key) -> Value | None:
        """Without waiting: None where it is not known how it is now."""
        kept = self._kept.get(key)
        return kept.value if kept is not None and self._is_current(kept.version) else None

    async def find(self, key: Key) -> Value:
        """How it is now; errors are those of `read`, which is called once for all who ask meanwhile."""
        known = self.known(key)
        if known is not None:
            return known
        earlier = self._readings.get(key)
        if earlier is not None and not self._is_current(earlier.version):
            await asyncio.wait([earlier.task])  # it began before something that the asker may have seen already
        reading = self._readings.get(key)
        if reading is None:
            version = self._present()
            task = asyncio.create_task(self._look(key, version))
            task.add_done_callback(_notice)
            reading = self._readings[key] = _Reading(task, version)
        return await asyncio.shield(reading.task)

    async def close(self) -> None:
        """Let what is being read end."""
        if self._readings:
            await asyncio.wait([reading.task for reading in self._readings.values()])
        self._arrivals.close()

    def _is_current(self, version: int | None) -> bool:
        return version is not None and version == self._present()

    def _present(self) -> int | None:
        """The database's version, not older than any question that has come in."""
        if not self._looked:
            self._version, self._looked = self._arrivals.version(), True
            # Whatever the loop takes from its sockets from here on has its turn after this.
            asyncio.get_running_loop().call_soon(self._look_again)
        return self._version

    def _look_again(self) -> None:
        self._looked = False

    async def _look(self, key: Key, version: int | None) -> Value:
        before = self._kept.get(key)
        try:
            value = await asyncio.to_thread(self._look_up, key, None if before is None else before.value)
        except BaseException:
            self._kept.pop(key, None)
            raise
        finally:
            del self._readings[key]
        if len(self._kept) >= MOST_KEPT and key not in self._kept:
            self._kept.clear()
        self._kept[key] = _Kept(value, version)
        return value

    def _look_up(self, key: Key, before: Value | None) -> Value:
        with self._database.reading() as session:
            return self._read(session, key, before)


def _notice(task: "asyncio.Task[Value]") -> None:
    """An error is for those who wait; where they have all gone away it is nobody's."""
    if not task.cancelled():
        task.exception()
