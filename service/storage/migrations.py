"""The schema's way from nothing to the present, by alembic; the steps lie in the folder `alembic` beside `service`."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

import service
from service.errors import ConflictError
from service.storage.engine import Database
from service.storage.tables import Table

if TYPE_CHECKING:
    from alembic.config import Config

_STEPS = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As alembic makes it."""
_LOCK = 0x41524430
"""PostgreSQL's advisory lock that two migrations at once wait for: any number of our own."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the schema to `revision`; of two processes that ask at once, one does it and the other finds it done."""
    _move(database, revision, "upgrade")


def downgrade(database: Database, revision: str) -> None:
    """Take the schema back to `revision`; `base` is an empty database."""
    _move(database, revision, "downgrade")


def ensure_current(database: Database) -> None:
    """At start: SQLite is brought up to date by itself, any other database only by `ardoise migrate`.

    `ConflictError` where that is still to be done, or where a newer version has been at the database.
    """
    head = newest_step()
    if database.is_sqlite:
        _make_at_once(database, head)
    current = _current(database)
    if current == head:
        return
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise ConflictError(f"the database is at revision {current}, which only a newer version than this one knows")
    if not database.is_sqlite:
        raise ConflictError(f"the database is at revision {current}, this version needs {head}: run `ardoise migrate`")
    upgrade(database)


def _make_at_once(database: Database, head: str) -> None:
    """Where there is nothing at all: all tables as they are now, and a note for alembic of how far that is.

    alembic's cookbook has it so ("building an up to date database from scratch"). Step by step it takes 0.2 s, and
    leaves fourteen megabytes in the process.
    """
    with database.engine.connect() as connection:
        if sa.inspect(connection).get_table_names():
            return
    with _writing(database).begin() as connection:
        if sa.inspect(connection).get_table_names():
            return  # another process was quicker
        _STEPS.metadata.create_all(connection)
        Table.metadata.create_all(connection)
        connection.execute(sa.insert(_STEPS).values(version_num=head))


def newest_step() -> str:
    """By the names of the files: where a database is there already alembic, ten megabytes, is not imported."""
    return max(step.name.partition("_")[0] for step in (_folder() / "versions").glob("[0-9]*.py"))


def _current(database: Database) -> str | None:
    with database.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found


def _move(database: Database, revision: str, step: Literal["upgrade", "downgrade"]) -> None:
    from alembic import command

    config = _config()
    with _writing(database).begin() as connection:
        if not database.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config.attributes["connection"] = connection
        getattr(command, step)(config, revision)


def _writing(database: Database) -> sa.Engine:
    return database.engine.execution_options(ardoise_writes=True, ardoise_durable=True)


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()))
    return config


def _folder() -> Path:
    here = Path(service.__file__).parent
    return next(each for each in (here.parent / "alembic", here / "_alembic") if (each / "env.py").is_file())
