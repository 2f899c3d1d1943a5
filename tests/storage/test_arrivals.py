"""Whether a look at the queue is worth it."""

from pathlib import Path

from service.storage import Database
from service.storage.arrivals import Arrivals
from tests.storage.conftest import Bench


def test_what_another_connection_commits_is_noticed_and_nothing_else(sqlite_bench: Bench) -> None:
    arrivals = Arrivals(sqlite_bench.database)
    assert arrivals.may_be_new()
    assert not arrivals.may_be_new()
    sqlite_bench.submit()
    assert arrivals.may_be_new()
    assert not arrivals.may_be_new()
    with sqlite_bench.database.reading():
        pass
    assert not arrivals.may_be_new()
    arrivals.close()


def test_the_version_is_another_after_each_commit_whoever_asks_for_it(sqlite_bench: Bench) -> None:
    first, second = Arrivals(sqlite_bench.database), Arrivals(sqlite_bench.database)
    versions = []
    for _ in range(5):
        sqlite_bench.submit()
        assert first.version() == first.version() is not None
        assert second.version() == second.version() is not None
        versions.append((first.version(), second.version()))
    assert len(set(versions)) == 5
    first.close()
    second.close()


def test_a_database_that_cannot_be_asked_is_worth_a_look(tmp_path: Path) -> None:
    (tmp_path / "ardoise.db").mkdir()
    arrivals = Arrivals(Database(f"sqlite:///{tmp_path / 'ardoise.db'}"))
    assert arrivals.version() is None
    assert arrivals.may_be_new()
    assert arrivals.may_be_new()
    arrivals.close()


def test_a_look_that_failed_is_worth_another_though_nothing_was_committed(sqlite_bench: Bench) -> None:
    arrivals = Arrivals(sqlite_bench.database)
    assert arrivals.may_be_new()
    arrivals.look_again()
    assert arrivals.may_be_new()
    assert not arrivals.may_be_new()
    arrivals.close()


def test_on_postgresql_it_is_always_worth_a_look(postgresql_bench: Bench) -> None:
    arrivals = Arrivals(postgresql_bench.database)
    assert arrivals.may_be_new()
    assert arrivals.may_be_new()
    arrivals.close()
