"""Names of checkpoints are read once, and are never far behind the database."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service import checkpoint_names, ids
from service.checkpoint_names import CheckpointNames
from service.domain.checkpoint import WEIGHTS, Checkpoint, StoredFile
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.errors import ConflictError, NotFoundError
from service.storage import Database, Session, checkpoints, experiments, migrations, queue

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "perceptron", "epochs": 5})


class Counted(Database):
    """Counts what is read."""

    reads = 0

    @contextmanager
    def reading(self) -> Iterator[Session]:
        self.reads += 1
        with super().reading() as session:
            yield session


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Counted]:
    found = Counted(f"sqlite:///{tmp_path}/ardoise.db")
    migrations.upgrade(found)
    yield found
    found.close()


@pytest.fixture
def run(database: Counted) -> Run:
    """A run that has begun."""
    with database.writing() as session:
        experiments.add(session, experiment_id=ids.new(), spec=SPEC, parameters=1, now=NOW)
        claimed = queue.claim(session, worker="w", lease_seconds=60, now=NOW)
    assert claimed is not None
    return claimed


def publish(database: Database, run: Run, epoch: int) -> Checkpoint:
    """As the recorder does."""
    checkpoint = Checkpoint(
        id=ids.new(),
        experiment_id=run.experiment_id,
        epoch=epoch,
        attempt=1,
        folder="nowhere",
        files=(StoredFile(name=WEIGHTS, bytes=1, sha256="0"),),
        resumable=False,
        created_at=NOW,
    )
    with database.writing() as session:
        queue.guard(session, run, lease_seconds=60, epoch=epoch)
        checkpoints.publish(session, checkpoint)
    return checkpoint


def play(database: Database, scene: Callable[[CheckpointNames], Awaitable[None]]) -> None:
    """On an event loop of its own."""

    async def on_a_loop() -> None:
        names = CheckpointNames(database)
        await scene(names)
        await names.close()

    asyncio.run(on_a_loop())


def test_what_is_known_is_answered_without_the_database(database: Counted, run: Run) -> None:
    first = publish(database, run, 1)

    async def scene(names: CheckpointNames) -> None:
        assert names.known(run.experiment_id, "last") is None
        assert await names.find(run.experiment_id, "last") == first
        before = database.reads
        assert all(names.known(run.experiment_id, "last") == first for _ in range(100))
        assert database.reads <= before + 1

    play(database, scene)


def test_a_later_checkpoint_is_seen_in_time(database: Counted, run: Run) -> None:
    publish(database, run, 1)

    async def scene(names: CheckpointNames) -> None:
        await names.find(run.experiment_id, "last")
        second = await asyncio.to_thread(publish, database, run, 2)
        await asyncio.sleep(checkpoint_names.FRESH_SECONDS)
        assert await names.find(run.experiment_id, "last") == second

    play(database, scene)


def test_what_another_process_deletes_is_not_answered_when_the_time_is_over(database: Counted, run: Run) -> None:
    publish(database, run, 1)

    def delete() -> None:
        with database.writing() as session:
            queue.finish(session, run, "failed", now=NOW)  # type: ignore[arg-type]  # by its value
            experiments.delete(session, run.experiment_id)

    async def scene(names: CheckpointNames) -> None:
        await names.find(run.experiment_id, "last")
        await asyncio.to_thread(delete)
        await asyncio.sleep(checkpoint_names.FRESH_SECONDS)
        assert names.known(run.experiment_id, "last") is None
        with pytest.raises(NotFoundError):
            await names.find(run.experiment_id, "last")

    play(database, scene)


def test_what_is_deleted_here_is_forgotten_at_once_even_while_it_is_read(database: Counted, run: Run) -> None:
    publish(database, run, 1)

    async def scene(names: CheckpointNames) -> None:
        await names.find(run.experiment_id, "last")
        names.forget(run.experiment_id)
        assert names.known(run.experiment_id, "last") is None
        reading = asyncio.create_task(names.read(run.experiment_id, "last"))
        await asyncio.sleep(0)  # it has begun
        names.forget(run.experiment_id)
        await reading
        assert names.known(run.experiment_id, "last") is None

    play(database, scene)


def test_all_names_are_looked_at_by_one_query_and_only_while_somebody_asks(database: Counted, run: Run) -> None:
    for epoch in range(1, 9):
        publish(database, run, epoch)

    async def scene(names: CheckpointNames) -> None:
        for epoch in range(1, 9):
            await names.find(run.experiment_id, str(epoch))
        await asyncio.sleep(checkpoint_names.FRESH_SECONDS * 0.6)
        before = database.reads
        for epoch in range(1, 9):
            names.known(run.experiment_id, str(epoch))
        await names.confirmed(run.experiment_id, "1")
        assert database.reads == before + 1
        assert all(names.known(run.experiment_id, str(epoch)) for epoch in range(1, 9))
        await asyncio.sleep(2 * checkpoint_names.FRESH_SECONDS)
        assert database.reads == before + 1

    play(database, scene)


def test_a_run_without_checkpoints_is_asked_for_anew_each_time(database: Counted, run: Run) -> None:
    async def scene(names: CheckpointNames) -> None:
        for _ in range(2):
            with pytest.raises(ConflictError):
                await names.find(run.experiment_id, "best")
        first = await asyncio.to_thread(publish, database, run, 1)
        assert await names.find(run.experiment_id, "last") == first

    play(database, scene)
