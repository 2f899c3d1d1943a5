"""The way of the schema: up and down with data, by several at once, to just what the tables in the code say."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.domain.experiment import State
from service.errors import ConflictError
from service.storage import Database, migrations
from service.storage.tables import Table
from tests.storage.conftest import Bench, a_checkpoint, an_epoch
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


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_step_goes_back_and_forth_over_data(empty: Bench, revision: str) -> None:
    migrations.upgrade(empty.database)
    bench, experiment_id = empty, empty.submit(tags=["a"], owner="ana")
    run = bench.claim()
    bench.report(run, an_epoch(1), checkpoint=a_checkpoint(run, 1))
    migrations.downgrade(bench.database, revision)
    assert revision_of(bench) == revision
    migrations.upgrade(bench.database)
    assert revision_of(bench) == REVISIONS[-1]
    kept = bench.get(experiment_id)
    assert (kept.state, kept.owner, kept.spec.tags) == (State.RUNNING, "ana", ("a",))
    assert bench.epochs(experiment_id) == (an_epoch(1),)


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


def test_a_step_that_fails_leaves_the_schema_as_it_was(empty: Bench) -> None:
    """One table is in the way, the last but one to be made: those made before it are gone again."""
    with empty.database.engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE idempotency_keys (id INTEGER)"))
    with pytest.raises(sa.exc.SQLAlchemyError, match="already exists"):
        migrations.upgrade(empty.database)
    assert tables_of(empty) == {"idempotency_keys"}
    assert revision_of(empty) is None


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
