"""What a worker has at hand for every run."""

from dataclasses import dataclass
from pathlib import Path

from service import room
from service.storage import Database


@dataclass(frozen=True)
class Workshop:
    """Opened once a worker."""

    worker: str
    """`host:pid`."""
    database: Database
    artifacts: Path
    data_dir: Path
    mirror: str | None
    lease_seconds: float
    max_failures: int
    threads: int
    most_running: int = 0
    """Of one owner; 0: any number."""
    cache_dir: Path | None = None
    """Where decoded data sets lie; None: each worker decodes them for itself."""
    min_free_bytes: int = 0

    def lacks_room(self) -> str | None:
        """Why no further run is to be begun: `service/room.py`."""
        return room.lack(self.database, self.artifacts, least=self.min_free_bytes)
