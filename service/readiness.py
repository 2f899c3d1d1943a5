"""Whether the service can do its work: a database, a place for artifacts with room, somebody who trains."""

import os
from collections.abc import Iterator
from pathlib import Path

from service import room
from service.errors import NotReadyError
from service.settings import Settings
from service.storage import Database, StorageError, registry, workers


def require(database: Database, settings: Settings) -> None:
    """`NotReadyError` with a sentence for each thing that is missing."""
    reasons = [*_database_reasons(database), *_artifacts_reasons(settings.artifacts_dir)]
    if full := room.lack(database, settings.artifacts_dir, least=settings.min_free_bytes):
        reasons.append(full)
    if reasons:
        raise NotReadyError(tuple(reasons))


def require_models(database: Database) -> None:
    """`NotReadyError` where the registered models cannot be read; to infer with them takes no worker."""
    try:
        with database.reading() as session:
            registry.count(session)
    except StorageError as error:
        raise NotReadyError((f"the database cannot be read ({type(error).__name__})",)) from error


def _database_reasons(database: Database) -> Iterator[str]:
    try:
        with database.reading() as session:
            if not workers.any_alive(session):
                yield "no worker is alive"
    except StorageError as error:
        yield f"the database cannot be read ({type(error).__name__})"


def _artifacts_reasons(artifacts: Path) -> Iterator[str]:
    """Where the folder is not there yet, what counts is whether it could be made."""
    there = next(folder for folder in (artifacts, *artifacts.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield "the artifacts folder cannot be written"
