"""A whole SQLite database as one file: copied out of one that is in use, and put in the place of one that is not."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from service.errors import ArdoiseError, ConflictError
from service.storage.engine import BUSY_TIMEOUT_MS, Database

PATIENCE_MS = 1_000
"""How long somebody who has just ended may take to let go of the database."""


def file_of(database: Database) -> Path:
    """Where it lies; `ConflictError` where it is no file, with what to do instead."""
    if not database.is_sqlite or not database.url.database or database.url.database == ":memory:":
        kind = database.url.get_backend_name()
        raise ConflictError(
            f"the database is {kind}, and this copies SQLite files alone: stop the workers, use {kind}'s own tools "
            "(pg_dump, pg_restore), and copy the artifacts folder with it"
        )
    return Path(database.url.database)


def copy(database: Database, path: Path) -> None:
    """Write what is committed at one moment to another file, and check it; nobody who reads or writes is held up.

    By SQLite's own online backup, https://www.sqlite.org/backup.html, in one step: in a write-ahead log a reader sees
    one moment for as long as it reads. `ArdoiseError` where the database cannot be read or is damaged.
    """
    path.unlink(missing_ok=True)
    errors = database.lone_errors
    try:
        with (
            closing(database.lone_connection(busy_timeout_ms=BUSY_TIMEOUT_MS)) as source,
            closing(_connect(database, path)) as target,
        ):
            source.backup(target)
            said = target.execute("PRAGMA quick_check(1)").fetchone()[0]
    except errors as error:
        raise ArdoiseError(f"the database cannot be copied: {error}") from error
    if said != "ok":
        raise ArdoiseError(f"the database is damaged: {said}")


@contextmanager
def held(database: Database) -> Iterator[Any]:
    """A connection to it while nobody else has it open, nor can open it; `ConflictError` where somebody has.

    Every connection in a write-ahead log, an idle one too, has a shared lock on the file, which an exclusive one waits
    for: https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory.
    """
    path = file_of(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    was_there = path.exists()
    connection = _connect(database, path)
    try:
        connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except database.lone_errors as error:
            if "locked" not in str(error):
                raise ArdoiseError(f"{path} cannot be opened: {error}") from error
            raise ConflictError(
                f"{path} is in use: end `ardoise serve`, every `ardoise worker` and whatever else has it open"
            ) from error
        yield connection
    finally:
        left_empty = not was_there and is_empty(connection)
        connection.close()
        if left_empty:
            path.unlink(missing_ok=True)


def named_folders(connection: Any) -> frozenset[str]:
    """The folders of artifacts that the rows of a held database name, whatever revision its schema has."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    known = [table for table in ("checkpoints", "model_versions") if table in tables]
    return frozenset(
        folder
        for table in known
        for (folder,) in connection.execute(f"SELECT folder FROM {table}")  # noqa: S608  # one of two words
    )


def is_empty(connection: Any) -> bool:
    """True where a held database has no table yet."""
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def replace(connection: Any, path: Path, *, database: Database) -> None:
    """Put the database of this file in the place of the held one, all of it or nothing of it: one transaction.

    `ArdoiseError` where the disk will not have it.
    """
    try:
        with closing(_connect(database, path)) as source:
            source.backup(connection)
    except database.lone_errors as error:
        raise ArdoiseError(f"the database cannot be written: {error}") from error


def _connect(database: Database, path: Path) -> Any:
    dbapi: Any = database.engine.dialect.loaded_dbapi
    try:
        return dbapi.connect(path, isolation_level=None)
    except dbapi.Error as error:
        raise ArdoiseError(f"{path} cannot be opened: {error}") from error
