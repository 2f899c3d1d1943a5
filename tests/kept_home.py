"""A home as it lies on the disk: a database whose rows name real files of checkpoints, without anybody who trains."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from service import checkpoints, registry
from service.domain.checkpoint import Checkpoint
from service.domain.experiment import State
from service.domain.registry import NewVersion
from service.domain.run import Run
from service.settings import Settings
from service.storage import Database, artifacts, migrations, queue
from service.storage import checkpoints as checkpoint_rows
from service.storage.tables import Table
from tests.storage.conftest import Bench, an_epoch
from tests.test_checkpoints import write


@dataclass(frozen=True)
class Home:
    """What is in it, and the hands of a worker."""

    settings: Settings
    database: Database

    @property
    def root(self) -> Path:
        """Of the artifacts."""
        return self.settings.artifacts_dir

    @property
    def bench(self) -> Bench:
        """Submits and claims."""
        return Bench(self.database)

    def begin(self, **spec: Any) -> Run:
        """A run that has been claimed."""
        self.bench.submit(**spec)
        return self.bench.claim()

    def publish(self, run: Run, epoch: int, *, supersedes: Checkpoint | None = None) -> Checkpoint:
        """Files, then epoch and row in one transaction, then the earlier files go: as a worker does it."""
        new = write(self.root, experiment_id=run.experiment_id, epoch=epoch)
        with self.database.writing() as session:
            queue.guard(session, run, lease_seconds=60.0, epoch=epoch, checkpoint_epoch=epoch)
            checkpoint_rows.publish(session, new)
            if supersedes is not None:
                checkpoint_rows.forget(session, supersedes)
        if supersedes is not None:
            checkpoints.remove(self.root, [supersedes])
        return new

    def ended(self, *, at: datetime | None = None, state: State = State.COMPLETED, **spec: Any) -> Run:
        """A run that has ended with one checkpoint."""
        run = self.begin(**spec)
        self.bench.report(run, an_epoch(1))
        self.publish(run, 1)
        with self.database.writing() as session:
            queue.finish(session, run, state, now=at or datetime.now(UTC), best_epoch=1)
        return run

    def name_model(self, run: Run, model: str) -> None:
        """Register its weights."""
        request = NewVersion(experiment_id=run.experiment_id, checkpoint="last")
        registry.add(self.database, self.root, model, request, owner=None, now=datetime.now(UTC))

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Everything in every table."""
        with self.database.reading() as session:
            return {
                table.name: [
                    dict(row) for row in session.execute(sa.select(table).order_by(*table.primary_key)).mappings()
                ]
                for table in Table.metadata.sorted_tables
            }

    def files(self) -> dict[str, bytes]:
        """Everything in the artifacts folder."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes() for path in self.root.rglob("*") if path.is_file()
        }

    def read_all(self) -> int:
        """Read every file that a row names; how many checkpoints these are."""
        with self.database.reading() as session:
            named = list(artifacts.named(session))
        for each in named:
            for file in each.files:
                checkpoints.read_file(self.root, each, file.name)
        return len(named)


@contextmanager
def a_home(folder: Path, *, migrated: bool = True) -> Iterator[Home]:
    """One in this folder."""
    settings = Settings(home=folder)
    database = Database(settings.database)
    if migrated:
        migrations.upgrade(database)
        settings.artifacts_dir.mkdir(parents=True)
    try:
        yield Home(settings, database)
    finally:
        database.close()
