"""What a worker has at hand for every run."""

from dataclasses import dataclass
from pathlib import Path

from service.storage import Database


@dataclass(frozen=True)
class Workshop:
    """Opened once a worker."""

    database: Database
    artifacts: Path
    data_dir: Path
    mirror: str | None
    lease_seconds: float
    max_failures: int
    threads: int
