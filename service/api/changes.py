"""Wakes readers when an experiment changes.

Workers are other processes, so a change is seen by looking. All waiting readers share one watcher, which looks while
someone waits and only then, at the revisions of exactly the experiments that are waited for, in one short query.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import structlog

from service.storage import Database, StorageError, experiments

INTERVAL_SECONDS = 0.1

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Waiter:
    experiment_id: str
    seen: int
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Changes:
    """One watcher for all readers of one event loop; `wait` and `close` are called on that loop."""

    def __init__(self, database: Database) -> None:
        self.closed = False
        self._database = database
        self._waiters: set[_Waiter] = set()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many readers wait."""
        return len(self._waiters)

    async def wait(
        self, experiment_id: str, *, seen: int, seconds: float, gone: asyncio.Future[None] | None = None
    ) -> bool:
        """Return True once the experiment's revision is not `seen` any more or it has been deleted.

        False after `seconds`, when `gone` (the reader itself has gone away) is done, or when the service ends.
        """
        if self.closed:
            return False
        waiter = _Waiter(experiment_id, seen)
        self._waiters.add(waiter)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())
        waking = asyncio.ensure_future(waiter.woken.wait())
        ends: set[asyncio.Future[Any]] = {waking, *([gone] if gone else [])}
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            self._waiters.discard(waiter)
        return waiter.woken.is_set() and not self.closed

    def close(self) -> None:
        """End all waits at once, and let none begin."""
        self.closed = True
        for waiter in self._waiters:
            waiter.woken.set()

    async def _watch(self) -> None:
        try:
            while self._waiters and not self.closed:
                await asyncio.sleep(INTERVAL_SECONDS)
                await self._look()
        finally:
            self._watcher = None

    async def _look(self) -> None:
        """A database that cannot be read now can be read later: those who wait go on waiting."""
        try:
            revisions = await asyncio.to_thread(self._read, {waiter.experiment_id for waiter in self._waiters})
        except StorageError as error:
            log.warning("the changes that readers wait for cannot be seen now", reason=str(error))
            return
        for waiter in self._waiters:
            # Who began to wait during the query looks stale or gone at worst, reads once more and waits again.
            if revisions.get(waiter.experiment_id) != waiter.seen:
                waiter.woken.set()

    def _read(self, experiment_ids: Collection[str]) -> dict[str, int]:
        with self._database.reading() as session:
            return experiments.revisions(session, experiment_ids)
