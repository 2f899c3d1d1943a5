"""The one watcher behind all waiting readers."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import ids
from service.api import changes
from service.api.changes import Changes
from service.domain.spec import ExperimentSpec
from service.storage import Database, experiments, migrations

SPEC = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "perceptron"})
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Watched(Changes):
    """Counts how often the watcher has looked."""

    looks = 0

    def _read(self, experiment_ids: Collection[str]) -> dict[str, int]:
        self.looks += 1
        return super()._read(experiment_ids)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A new one, with nothing in it."""
    database = Database(f"sqlite:///{tmp_path / 'ardoise.db'}")
    migrations.upgrade(database)
    return database


def add(database: Database) -> str:
    with database.writing() as session:
        return experiments.add(session, experiment_id=ids.new(), spec=SPEC, parameters=650, now=NOW).id


def watch(database: Database, scenario: Callable[[Watched], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(Watched(database))

    asyncio.run(run())
    database.close()


def test_only_a_change_of_the_experiment_itself_wakes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "INTERVAL_SECONDS", 0.01)
    mine, other = add(database), add(database)

    async def scenario(watched: Watched) -> None:
        waits = [asyncio.create_task(watched.wait(each, seen=0, seconds=0.2)) for each in (mine, other)]
        await asyncio.sleep(0)
        with database.writing() as session:
            experiments.cancel(session, other, now=NOW)
        assert await waits[1]
        assert not await waits[0]

    watch(database, scenario)


def test_nothing_is_looked_at_unless_someone_waits(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "INTERVAL_SECONDS", 0.01)
    mine = add(database)

    async def scenario(watched: Watched) -> None:
        await asyncio.gather(*(watched.wait(mine, seen=0, seconds=0.1) for _ in range(100)))
        looks = watched.looks
        assert 1 <= looks <= 11
        await asyncio.sleep(0.05)
        assert watched.looks <= looks + 1
        assert await watched.wait(mine, seen=7, seconds=5)

    watch(database, scenario)


def test_one_that_is_not_there_is_a_change_and_the_end_of_the_service_is_none(database: Database) -> None:
    mine = add(database)

    async def scenario(watched: Watched) -> None:
        assert await watched.wait(ids.new(), seen=0, seconds=5)
        held = asyncio.create_task(watched.wait(mine, seen=0, seconds=60))
        await asyncio.sleep(0)
        watched.close()
        assert not await held
        assert not await watched.wait(mine, seen=7, seconds=60)

    watch(database, scenario)


def test_a_database_that_is_away_is_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "INTERVAL_SECONDS", 0.01)
    mine = add(database)

    async def scenario(watched: Watched) -> None:
        with database.writing() as session:
            session.connection().exec_driver_sql("ALTER TABLE experiments RENAME TO elsewhere")
        held = asyncio.create_task(watched.wait(mine, seen=7, seconds=5))
        done, _ = await asyncio.wait({held}, timeout=0.1)
        assert not done
        assert watched.looks >= 1
        with database.writing() as session:
            session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO experiments")
        assert await held

    watch(database, scenario)
