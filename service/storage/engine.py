"""A database and its two kinds of transaction.

SQLite is driven as `sqlite.org/wal.html` and `sqlite.org/isolation.html` advise for several processes: write-ahead log,
every write transaction begins with `BEGIN IMMEDIATE` (a read that turns into a write later can fail at once, whatever
the busy timeout), and a commit that a client is told of is on the disk before the answer (`synchronous=FULL`), while an
epoch's figures need to survive the process only (`NORMAL`).
"""

import importlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.orm import Session

from service.telemetry.measures import WRITE_WAITS

BUSY_TIMEOUT_MS = 30_000
SNAPSHOT = "snapshot"
"""In a session's `info`: it sees what is committed, and changes nothing."""
WAL_RESET_BUG = ((3, 7, 0), (3, 51, 2))
"""First and last SQLite version whose write-ahead log can be reset under a reader: sqlite.org/wal.html."""

log = structlog.get_logger(__name__)


class Database:
    """An engine, and the transactions on it: `with database.writing() as session`."""

    def __init__(self, url: str) -> None:
        """Open lazily: nothing is connected to before the first transaction."""
        self.url = sa.make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else sa.create_engine(self.url, pool_pre_ping=True)
        # PostgreSQL's own choice gives each statement another snapshot; SQLite knows none but this.
        self._reader = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )
        self._writers = {
            durable: self.engine.execution_options(ardoise_writes=True, ardoise_durable=durable)
            for durable in (True, False)
        }

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent snapshot; ends without a commit."""
        with Session(self._reader, expire_on_commit=False, info={SNAPSHOT: True}) as session:
            yield session

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Session]:
        """Commits at the end, or nothing is changed. `durable`: on the disk, not only out of the process."""
        with Session(self._writers[durable], expire_on_commit=False) as session, session.begin():
            yield session

    def lone_connection(self, *, busy_timeout_ms: int) -> Any:
        """A connection of SQLite's own that is in no pool and in no transaction; to be closed by who asked for it."""
        pooled = self.engine.raw_connection()
        connection = pooled.driver_connection
        assert connection is not None  # noqa: S101  # it is connected
        pooled.detach()
        connection.execute(f"PRAGMA busy_timeout={busy_timeout_ms}")
        return connection

    @property
    def lone_errors(self) -> tuple[type[Exception], ...]:
        """What such a connection raises, and what is raised where there can be none."""
        return self.engine.dialect.loaded_dbapi.Error, sa.exc.SQLAlchemyError

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def is_away(error: sa.exc.SQLAlchemyError) -> bool:
    """True where the database is busy, full or not there: the same call may succeed later."""
    return isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError))


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, module=sqlite_module(), pool_size=8, max_overflow=32)
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def sqlite_module() -> ModuleType:
    """The newest SQLite at hand: `pysqlite3` brings one without the WAL-reset bug where the system's has it."""
    try:
        module = importlib.import_module("pysqlite3")
    except ImportError:
        module = sqlite3
    version = tuple(int(part) for part in module.sqlite_version.split("."))
    if WAL_RESET_BUG[0] <= version <= WAL_RESET_BUG[1]:
        log.warning(
            "this SQLite has the WAL-reset bug; install pysqlite3 or SQLite 3.51.3", version=module.sqlite_version
        )
    return module


def _on_connect(connection: DBAPIConnection, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite's switch: BEGIN is ours to say
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA journal_size_limit={64 * 1024 * 1024}")
    cursor.close()
    # SQLite's own knows the letters of English only.
    connection.create_function("lower", 1, lambda text: text if text is None else str(text).lower(), deterministic=True)


def _write_ahead(cursor: DBAPICursor) -> None:
    """Turn the write-ahead log on.

    While two processes do so to a new file, each holds what the other waits for: SQLite then says "locked" at once,
    whatever the busy timeout. So it is tried again for as long.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _on_begin(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if options.get("ardoise_writes"):
        connection.exec_driver_sql("PRAGMA synchronous=" + ("FULL" if options["ardoise_durable"] else "NORMAL"))
        began = time.perf_counter()
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        WRITE_WAITS.observe(time.perf_counter() - began)
    else:
        connection.exec_driver_sql("BEGIN")
