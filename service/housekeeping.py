"""What `ardoise serve` does now and then: it keeps to the retention policy, where there is one."""

import threading
from datetime import UTC, datetime

import structlog

from service import retention
from service.domain.retention import Policy
from service.errors import ArdoiseError
from service.settings import Settings
from service.storage import Database, StorageError

FIRST_SECONDS, EVERY_SECONDS = 60.0, 3600.0

log = structlog.get_logger(__name__)


class Housekeeping:
    """A thread that does so until it is told to end; none where nothing is set."""

    def __init__(self, settings: Settings, *, first: float = FIRST_SECONDS, every: float = EVERY_SECONDS) -> None:
        self._settings, self._first, self._every = settings, first, every
        self._policy = policy_of(settings)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="housekeeping")

    def start(self) -> None:
        """Begin, some time after the service has."""
        if self._policy != Policy():
            self._thread.start()

    def end(self) -> None:
        """Begin no further round, and wait for the present one."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _keep(self) -> None:
        pause = self._first
        while not self._ending.wait(pause):
            pause = self._every
            database = Database(self._settings.database)
            try:
                self._make_room(database)
            except (ArdoiseError, StorageError, OSError) as error:
                log.warning("could not make room; tries again", error=str(error), next_in_seconds=pause)
            finally:
                database.close()

    def _make_room(self, database: Database) -> None:
        root = self._settings.artifacts_dir
        now = datetime.now(UTC)
        planned = retention.plan(database, root, self._policy, now=now)
        gone = retention.carry_out(database, root, planned, now=now)
        if gone.bytes:
            ids = [each.experiment_id for each in gone.runs]
            log.info("made room", bytes=gone.bytes, weights_of=ids, leftovers=len(gone.leftovers))


def policy_of(settings: Settings) -> Policy:
    """What is set."""
    return Policy(keep_days=settings.keep_days, keep_bytes=settings.keep_bytes)
