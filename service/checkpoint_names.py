"""Which checkpoint a name stands for now, without a query for each request that uses it.

`best` of a run that goes on is another one after the next epoch. What was read once is answered for as long as the
experiment's revision is looked at again at least every `FRESH_SECONDS`: so a name is never further behind the database
than that, and what this process itself deletes is forgotten at once. All names are looked at together, in one short
query every half of that time, and only while somebody asks.
"""

import asyncio
from dataclasses import dataclass
from time import monotonic

from service.domain.checkpoint import Checkpoint
from service.storage import Database, StorageError, checkpoints, experiments

FRESH_SECONDS = 0.1
MOST_NAMES = 512

Key = tuple[str, str]
"""An experiment's id, and `best`, `last` or an epoch."""


@dataclass(eq=False)
class _Known:
    checkpoint: Checkpoint
    revision: int
    seen: float
    """When the look began that last saw this revision."""


class CheckpointNames:
    """Called on one event loop, but for `forget`; it reads in threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[Key, _Known] = {}
        self._look: asyncio.Task[None] | None = None
        self._forgotten = 0

    def known(self, experiment_id: str, name: str) -> Checkpoint | None:
        """Without waiting: what the name stands for, None where that is not known or was looked at too long ago."""
        found = self._known.get((experiment_id, name))
        if found is None:
            return None
        age = monotonic() - found.seen
        if age > FRESH_SECONDS / 2 and self._look is None:
            self._look = asyncio.create_task(self._look_again())
        return found.checkpoint if age <= FRESH_SECONDS else None

    async def confirmed(self, experiment_id: str, name: str) -> Checkpoint | None:
        """As `known`, after the look that is under way."""
        if self._look is not None:
            await asyncio.shield(self._look)
        return self.known(experiment_id, name)

    async def find(self, experiment_id: str, name: str) -> Checkpoint:
        """As `storage.checkpoints.named`, whose errors it raises."""
        checkpoint = self.known(experiment_id, name) or await self.confirmed(experiment_id, name)
        return checkpoint or await self.read(experiment_id, name)

    async def read(self, experiment_id: str, name: str) -> Checkpoint:
        """From the database, whatever is known."""
        began, forgotten = monotonic(), self._forgotten
        checkpoint, revision = await asyncio.to_thread(self._read, experiment_id, name)
        if forgotten == self._forgotten:  # else it may be what was deleted in the meantime
            if len(self._known) >= MOST_NAMES:
                self._known.clear()
            self._known[experiment_id, name] = _Known(checkpoint, revision, began)
        return checkpoint

    def forget(self, experiment_id: str) -> None:
        """It has been deleted. From any thread."""
        self._forgotten += 1
        for key in [*self._known]:
            if key[0] == experiment_id:
                self._known.pop(key, None)

    async def close(self) -> None:
        """Let the last look end."""
        if self._look is not None:
            await self._look

    def _read(self, experiment_id: str, name: str) -> tuple[Checkpoint, int]:
        with self._database.reading() as session:
            checkpoint = checkpoints.named(session, experiment_id, name)
            return checkpoint, experiments.revisions(session, [experiment_id])[experiment_id]

    async def _look_again(self) -> None:
        """What has changed is read anew when it is asked for, and all where the database cannot be read now."""
        began, before = monotonic(), dict(self._known)
        try:
            revisions = await asyncio.to_thread(self._revisions, {key[0] for key in before})
        except StorageError:
            return
        finally:
            self._look = None
        for key, known in before.items():
            if revisions.get(key[0]) == known.revision:
                known.seen = began
            elif self._known.get(key) is known:
                del self._known[key]

    def _revisions(self, experiment_ids: set[str]) -> dict[str, int]:
        with self._database.reading() as session:
            return experiments.revisions(session, experiment_ids)
