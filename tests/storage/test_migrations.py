"""The way of the schema: up and down with data, by several at once, to just what the tables in the code say."""

import subprocess
import sys
from collections.abc import Collection, Iterator
from datetime import timedelta
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import service
from service.errors import ConflictError
from service.storage import Database, migrations
from service.storage.tables import Table, UtcDateTime
from tests.storage.conftest import NOW, Bench, a_checkpoint, an_epoch
from tests.storage.test_concurrency import in_processes, url_of

SCRIPTS = ScriptDirectory.from_config(migrations._config())
REVISIONS = [script.revision for script in SCRIPTS.walk_revisions()][::-1]


@pytest.fixture
def empty(empty_url: str) -> Iterator[Bench]:
    """A database without tables."""
    database = Database(empty_url)
    try:
        yield Bench(database)
    finally:
        database.close()


def revision_of(bench: Bench) -> str | None:
    """Where the schema is."""
    with bench.database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def tables_of(bench: Bench) -> set[str]:
    """All but alembic's own."""
    return set(sa.inspect(bench.database.engine).get_table_names()) - {"alembic_version"}


def test_from_nothing_the_schema_becomes_what_the_code_says(empty: Bench) -> None:
    migrations.upgrade(empty.database)
    assert revision_of(empty) == REVISIONS[-1]
    with empty.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_a_difference_would_be_found(empty: Bench) -> None:
    migrations.upgrade(empty.database)
    with empty.database.engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX ix_experiments_queue"))
        connection.execute(sa.text("ALTER TABLE workers ADD COLUMN unexpected INTEGER"))
        connection.execute(sa.text("ALTER TABLE experiments DROP COLUMN reproduces"))
        connection.execute(sa.text("ALTER TABLE experiments ADD COLUMN reproduces INTEGER"))
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        kinds = {
            each[0] if isinstance(each, tuple) else each[0][0] for each in compare_metadata(context, Table.metadata)
        }
    assert kinds == {"add_index", "remove_column", "modify_type"}


def a_value(column: sa.Column[Any], number: int) -> Any:
    """Something that only this column has, of its type."""
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return NOW + timedelta(seconds=number)
    if isinstance(kind, sa.JSON):
        return {column.name: [number, None, "é"]}
    for type_, value in (
        (sa.Boolean, number % 2 == 0),
        (sa.Integer, number),
        (sa.Float, number + 0.25),
        (sa.LargeBinary, bytes([0, 255, number % 256])),
        (sa.String, f"{column.name} {number}"[: getattr(kind, "length", None)]),
    ):
        if isinstance(kind, type_):
            return value
    raise AssertionError(f"no value for {column}: {kind!r}")


def fill(database: Database) -> None:
    """Two rows in every table that there is, nothing in them left out; keys lead to the rows of the other tables."""
    numbers = count(1)
    with database.writing() as session:
        for _row in range(2):
            keys: dict[sa.Column[Any], Any] = {}
            for table in Table.metadata.sorted_tables:
                values = {
                    column.name: next(iter(keys[key.column] for key in column.foreign_keys), None)
                    or a_value(column, next(numbers))
                    for column in table.columns
                }
                keys |= {column: values[column.name] for column in table.columns}
                session.execute(sa.insert(table).values(values))


def rows_of(database: Database, table: sa.Table, columns: Collection[str]) -> list[dict[str, Any]]:
    """Those columns, in the order of the keys."""
    with database.reading() as session:
        found = session.execute(sa.select(table).order_by(*table.primary_key)).mappings()
        return [{name: row[name] for name in columns} for row in found]


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_step_goes_back_and_forth_over_data_in_every_column(empty: Bench, revision: str) -> None:
    """What the schema could hold at that revision is the same afterwards, in each table that there was.

    A step back that made a table anew without copying its rows was found.
    """
    database = empty.database
    migrations.upgrade(database)
    fill(database)
    every = {name: [*table.columns.keys()] for name, table in Table.metadata.tables.items()}
    before = {name: rows_of(database, table, every[name]) for name, table in Table.metadata.tables.items()}
    migrations.downgrade(database, revision)
    assert revision_of(empty) == revision
    then = sa.inspect(database.engine)
    kept = {name: {each["name"] for each in then.get_columns(name)} for name in tables_of(empty)}
    migrations.upgrade(database)
    assert revision_of(empty) == REVISIONS[-1]
    assert "epochs" in kept
    for name, columns in kept.items():
        now = rows_of(database, Table.metadata.tables[name], columns & {*every[name]})
        assert now == [{column: row[column] for column in columns & {*every[name]}} for row in before[name]], name


def test_the_whole_way_back_leaves_nothing_and_can_be_gone_again(empty: Bench) -> None:
    migrations.upgrade(empty.database)
    run_of = empty.submit(tags=["a"])
    run = empty.claim()
    empty.report(run, an_epoch(1), checkpoint=a_checkpoint(run, 1))
    migrations.downgrade(empty.database, "base")
    assert (tables_of(empty), revision_of(empty)) == (set(), None)
    migrations.upgrade(empty.database)
    assert tables_of(empty) == set(Table.metadata.tables)
    assert empty.submit() != run_of
    assert len(empty.waiting()) == 1


def test_to_upgrade_what_is_up_to_date_changes_nothing(bench: Bench) -> None:
    experiment_id = bench.submit()
    migrations.upgrade(bench.database)
    assert bench.waiting() == (experiment_id,)


def test_two_processes_that_migrate_at_once_both_find_it_done(empty: Bench) -> None:
    assert in_processes(2, "migrate", url_of(empty)) == []
    assert revision_of(empty) == REVISIONS[-1]
    assert tables_of(empty) == set(Table.metadata.tables)


def test_several_processes_that_begin_with_a_new_file_all_find_it_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert in_processes(4, "begin", url) == []
    database = Database(url)
    try:
        assert revision_of(Bench(database)) == REVISIONS[-1]
        assert tables_of(Bench(database)) == set(Table.metadata.tables)
    finally:
        database.close()


def test_a_step_that_fails_leaves_the_schema_as_it_was(empty: Bench) -> None:
    """One table is in the way, the last but one to be made: those made before it are gone again."""
    with empty.database.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE idempotency_keys (id INTEGER)"))
    with pytest.raises(sa.exc.SQLAlchemyError, match="already exists"):
        migrations.upgrade(empty.database)
    assert tables_of(empty) == {"idempotency_keys"}
    assert revision_of(empty) is None


def shape_of(bench: Bench) -> dict[str, Any]:
    """Of every table: its columns in whatever order, its keys, and its indexes."""
    inspector = sa.inspect(bench.database.engine)
    with bench.database.engine.connect() as connection:
        found: dict[str, Any] = {
            row.name: " ".join(row.sql.split())
            for row in connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type != 'table'"))
            if row.sql
        }
    for table in inspector.get_table_names():
        columns = [{**each, "type": str(each["type"])} for each in inspector.get_columns(table)]
        keys = [inspector.get_pk_constraint(table), inspector.get_foreign_keys(table)]
        others = [inspector.get_unique_constraints(table), inspector.get_check_constraints(table)]
        found[table] = [sorted(columns, key=itemgetter("name")), *keys, *others]
    return found


def test_what_sqlite_is_given_at_once_is_what_the_steps_make(tmp_path: Path) -> None:
    step_by_step, at_once = (Bench(Database(f"sqlite:///{tmp_path / name}.db")) for name in ("steps", "once"))
    try:
        migrations.upgrade(step_by_step.database)
        migrations.ensure_current(at_once.database)
        assert shape_of(at_once) == shape_of(step_by_step)
        assert {"alembic_version", "experiments", "ix_experiments_queue"} <= set(shape_of(at_once))
        assert revision_of(at_once) == REVISIONS[-1]
        migrations.downgrade(at_once.database, "base")
        assert tables_of(at_once) == set()
    finally:
        step_by_step.database.close()
        at_once.database.close()


def test_a_new_sqlite_file_takes_no_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from service.storage import Database, migrations; database = Database(sys.argv[1]);"
        "migrations.ensure_current(database); database.close(); assert 'alembic' not in sys.modules"
    )
    environment = {"PYTHONPATH": str(Path(service.__file__).parent.parent)}
    subprocess.run([sys.executable, "-c", program, f"sqlite:///{tmp_path / 'new.db'}"], check=True, env=environment)


def test_a_file_of_somebody_else_s_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'theirs.db'}")
    try:
        with database.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE experiments (id INTEGER)"))
        with pytest.raises(sa.exc.SQLAlchemyError, match="already exists"):
            migrations.ensure_current(database)
        assert tables_of(Bench(database)) == {"experiments"}
    finally:
        database.close()


def test_the_newest_step_is_known_without_alembic(empty: Bench) -> None:
    migrations.upgrade(empty.database)
    with empty.database.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == migrations.newest_step()


def test_at_start_sqlite_is_brought_up_to_date_and_a_server_only_by_request(empty: Bench) -> None:
    if empty.database.is_sqlite:
        migrations.ensure_current(empty.database)
    else:
        with pytest.raises(ConflictError) as caught:
            migrations.ensure_current(empty.database)
        assert caught.value.message == (
            f"the database is at revision None, this version needs {REVISIONS[-1]}: run `ardoise migrate`"
        )
        assert tables_of(empty) == set()
        migrations.upgrade(empty.database)
    migrations.ensure_current(empty.database)
    assert revision_of(empty) == REVISIONS[-1]


def test_a_schema_that_is_newer_than_the_code_is_refused(bench: Bench) -> None:
    with bench.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'from the future'"))
    try:
        with pytest.raises(ConflictError, match="revision from the future, which only a newer version"):
            migrations.ensure_current(bench.database)
    finally:
        with bench.database.engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": REVISIONS[-1]})
