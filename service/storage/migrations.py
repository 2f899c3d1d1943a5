"""The schema's way from nothing to the present, by alembic; the steps lie in the folder `alembic` beside `service`."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import service
from alembic import command
from service.errors import ConflictError
from service.storage.engine import Database

_LOCK = 0x41524430
"""PostgreSQL's advisory lock that two migrations at once wait for: any number of our own."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema to `revision`; of two processes that ask at once, one does it and the other finds it done."""
    _move(database, revision, command.upgrade)


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to `revision`; `base` is an empty database."""
    _move(database, revision, command.downgrade)


def ensure_current(database: Database) -> None:
    """At start: SQLite is brought up to date by itself, any other database only by `ardoise migrate`.

    `ConflictError` where that is still to be done, or where a newer version has been at the database.
    """
    scripts = ScriptDirectory.from_config(_config())
    head = scripts.get_current_head()
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise ConflictError(f"the database is at revision {current}, which only a newer version than this one knows")
    if not database.is_sqlite:
        raise ConflictError(f"the database is at revision {current}, this version needs {head}: run `ardoise migrate`")
    upgrade(database)


def _move(database: Database, revision: str, step: Callable[[Config, str], None]) -> None:
    engine = database.engine.execution_options(ardoise_writes=True, ardoise_durable=True)
    config = _config()
    with engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        step(config, revision)


def _config() -> Config:
    here = Path(service.__file__).parent
    scripts = [folder for folder in (here.parent / "alembic", here / "_alembic") if (folder / "env.py").is_file()]
    config = Config()
    config.set_main_option("script_location", str(scripts[0]))
    return config
