"""How the service stands: what the database and the disk say of it now."""

import shutil
from datetime import datetime
from pathlib import Path

from service.domain.vitals import Vitals
from service.settings import Settings
from service.storage import Database
from service.storage import vitals as counts


def read(database: Database, settings: Settings, *, now: datetime) -> Vitals:
    """A look of a few milliseconds."""
    with database.reading() as session:
        oldest = counts.oldest_waiting(session)
        workers, busy = counts.workers(session)
        experiments, evaluations = counts.experiments(session), counts.evaluations(session)
    file = Path(database.url.database) if database.is_sqlite and database.url.database else None
    return Vitals(
        experiments=experiments,
        evaluations=evaluations,
        longest_wait=0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()),
        workers=workers,
        busy_workers=busy,
        free_bytes=shutil.disk_usage(_existing(settings.artifacts_dir)).free,
        database_bytes=_bytes(file),
        log_bytes=_bytes(file.with_name(f"{file.name}-wal") if file else None),
    )


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _bytes(file: Path | None) -> int | None:
    return file.stat().st_size if file is not None and file.exists() else None
