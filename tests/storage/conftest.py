"""Real databases: a test that takes `bench` runs on a SQLite file and on a PostgreSQL server of this test session."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service import ids
from service.domain.checkpoint import STATE, WEIGHTS, Checkpoint, StoredFile
from service.domain.experiment import Experiment, State
from service.domain.history import History
from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.storage import Database, checkpoints, experiments, history, metrics, migrations, queue
from service.storage.tables import EvaluationRow, ExperimentRow, Table, WorkerRow

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LEASE = 60.0
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server that listens on a socket in its own folder only."""

    folder: Path
    numbers: Iterator[int]

    def url(self, name: str) -> str:
        """Where the database of that name is reached."""
        return f"postgresql+psycopg://ardoise@/{name}?host={self.folder}"

    def create(self) -> str:
        """A new database; its URL."""
        name = f"test{next(self.numbers)}"
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[Cluster]:
    """A server for this test session, gone afterwards; the test is skipped, and says why, where PostgreSQL is not."""
    programs = {name: shutil.which(name) for name in ("initdb", "pg_ctl")}
    if missing := [name for name, path in programs.items() if path is None]:
        pytest.skip(f"{' and '.join(missing)} not in PATH: nothing is tested on PostgreSQL")
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="ardoise-"))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def call(*arguments: str) -> None:
        with (folder / "calls").open("ab") as calls:  # no pipe: the server would keep it open
            subprocess.run(
                arguments,
                check=True,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=calls,
                stderr=calls,
                env={"PATH": os.environ["PATH"]},
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )

    data = str(folder / "data")
    try:
        call("initdb", "-D", data, "-U", "ardoise", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = f"-F -k '{folder}' -c listen_addresses='' -c max_connections=200 -c shared_buffers=32MB"
        call("pg_ctl", "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield Cluster(folder, count())
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as, since it refuses to be root's; None where we are not root ourselves."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


@dataclass
class Bench:
    """Does to a database what the API and workers do, each in a transaction of its own."""

    database: Database

    def submit(self, *, owner: str | None = None, sweep_id: str | None = None, **spec: Any) -> str:
        """Queue an experiment; its id."""
        parsed = ExperimentSpec.model_validate({"dataset": "synthetic", "architecture": "mlp"} | spec)
        experiment_id = ids.new()
        with self.database.writing() as session:
            experiments.add(
                session,
                experiment_id=experiment_id,
                spec=parsed,
                parameters=1000 + parsed.seed,
                now=datetime.now(UTC),
                owner=owner,
                sweep_id=sweep_id,
            )
        return experiment_id

    def get(self, experiment_id: str) -> Experiment:
        """The experiment as it is now."""
        with self.database.reading() as session:
            return experiments.get(session, experiment_id)

    def cancel(self, experiment_id: str) -> Experiment:
        """Ask for its end."""
        with self.database.writing() as session:
            return experiments.cancel(session, experiment_id, now=NOW)

    def look_for_work(self, *, worker: str = "box:1", lease_seconds: float = LEASE) -> Run | None:
        """Claim, if anything waits."""
        with self.database.writing() as session:
            return queue.claim(session, worker=worker, lease_seconds=lease_seconds, now=NOW)

    def claim(self, *, worker: str = "box:1", lease_seconds: float = LEASE) -> Run:
        """Claim what must be waiting."""
        run = self.look_for_work(worker=worker, lease_seconds=lease_seconds)
        assert run is not None
        return run

    def claim_all(self) -> list[str]:
        """Claim until nothing waits; the ids in the order of the claims."""
        taken = []
        while (run := self.look_for_work()) is not None:
            taken.append(run.experiment_id)
        return taken

    def report(self, run: Run, *epochs: EpochMetrics, checkpoint: Checkpoint | None = None, **facts: Any) -> bool:
        """Guard, epochs and checkpoint in one transaction; True where a cancel was asked for."""
        if epochs:
            facts = {"epoch": epochs[-1].epoch} | facts
        if checkpoint is not None:
            facts = {"checkpoint_epoch": checkpoint.epoch} | facts
        with self.database.writing() as session:
            asked = queue.guard(session, run, lease_seconds=LEASE, **facts)
            metrics.record(session, run.experiment_id, epochs)
            if checkpoint is not None:
                checkpoints.publish(session, checkpoint)
        return asked

    def finish(self, run: Run, state: State = State.COMPLETED, **facts: Any) -> None:
        """End the run."""
        with self.database.writing() as session:
            queue.finish(session, run, state, now=NOW, **facts)

    def give_back(self, run: Run) -> None:
        """Stop the run on purpose."""
        with self.database.writing() as session:
            queue.give_back(session, run, now=NOW)

    def lose(self, run: Run) -> None:
        """Let the lease be over: what the database sees of a worker that was killed a lease ago."""
        with self.database.writing() as session:
            queue.guard(session, run, lease_seconds=-1.0)

    def release(self, *, max_failures: int = 3) -> list[str]:
        """Take all lost runs from their workers; their ids."""
        with self.database.writing() as session:
            return queue.release_expired(session, max_failures=max_failures, now=NOW)

    def continue_for(self, experiment_id: str, epochs: int, *, limit: int = 10_000) -> None:
        """Queue it again for more epochs."""
        with self.database.writing() as session:
            experiments.continue_for(session, experiment_id, epochs=epochs, limit=limit, now=NOW)

    def delete(self, experiment_id: str) -> None:
        """Remove its rows."""
        with self.database.writing() as session:
            experiments.delete(session, experiment_id)

    def history(self, experiment_id: str) -> History:
        """What has happened to it."""
        with self.database.reading() as session:
            return history.of(session, experiment_id)

    def jump(self, seconds: float) -> None:
        """Let the clock jump: all leases were granted by one that was behind by so much."""
        with self.database.writing() as session:
            for table in (ExperimentRow, EvaluationRow, WorkerRow):
                session.execute(sa.update(table).values(lease_expires_at=table.lease_expires_at - seconds))

    def epochs(self, experiment_id: str) -> tuple[EpochMetrics, ...]:
        """Its epochs as they are now."""
        with self.database.reading() as session:
            return metrics.epochs(session, experiment_id)

    def waiting(self) -> tuple[str, ...]:
        """Ids in the order in which they will be taken."""
        with self.database.reading() as session:
            return queue.facts(session).waiting


def an_epoch(number: int, **figures: Any) -> EpochMetrics:
    """An epoch row like a run's."""
    usual = {
        "train_loss": 2.0 / number,
        "train_accuracy": 1 - 0.5 / number,
        "val_loss": 2.1 / number,
        "val_accuracy": 1 - 0.6 / number,
        "learning_rate": 0.05,
        "epoch_seconds": 0.25,
        "samples_per_second": 4000.0,
        "recorded_at": NOW,
    }
    return EpochMetrics(epoch=number, **(usual | figures))


def a_checkpoint(run: Run, epoch: int, *, resumable: bool = True) -> Checkpoint:
    """The row of a checkpoint whose files nobody looks at here."""
    checkpoint_id = ids.new()
    names = (WEIGHTS, STATE) if resumable else (WEIGHTS,)
    return Checkpoint(
        id=checkpoint_id,
        experiment_id=run.experiment_id,
        epoch=epoch,
        attempt=run.attempt,
        folder=f"{run.experiment_id}/{checkpoint_id}",
        files=tuple(StoredFile(name=name, bytes=epoch, sha256=f"{epoch:064d}") for name in names),
        resumable=resumable,
        created_at=NOW,
    )


def in_threads(*calls: Callable[[], object]) -> None:
    """Do all at once; fail as the first that fails."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        try:
            barrier.wait(PATIENCE_SECONDS)
            call()
        except BaseException as error:  # noqa: BLE001  # raised again below, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "a thread is stuck"
    if failures:
        raise failures[0]


def wait_until(condition: Callable[[], bool]) -> None:
    """Look every few milliseconds until it holds; fail when patience is at an end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def backend(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on."""
    return str(request.param)


@pytest.fixture
def empty_url(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database without any table."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'ardoise.db'}"
    cluster: Cluster = request.getfixturevalue("postgresql_cluster")
    return cluster.create()


@pytest.fixture
def bench(backend: str, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A database of this test's own with all tables."""
    yield from _opened(request.getfixturevalue(f"{backend}_url"))


@pytest.fixture
def sqlite_bench(sqlite_url: str) -> Iterator[Bench]:
    """A SQLite file, for what only SQLite could get wrong."""
    yield from _opened(sqlite_url)


@pytest.fixture
def postgresql_bench(postgresql_url: str) -> Iterator[Bench]:
    """A PostgreSQL database, for what only a server could get wrong; to be marked `postgres`."""
    yield from _opened(postgresql_url)


def _opened(url: str) -> Iterator[Bench]:
    database = Database(url)
    try:
        yield Bench(database)
    finally:
        database.close()


@pytest.fixture
def sqlite_url(tmp_path: Path, _migrated_file: Path) -> str:
    """A file with all tables."""
    return f"sqlite:///{shutil.copy(_migrated_file, tmp_path / 'ardoise.db')}"


@pytest.fixture
def postgresql_url(_migrated_url: str) -> Iterator[str]:
    """A server's database with all tables; it is emptied, not made anew, as that takes half a second."""
    yield _migrated_url
    engine = sa.create_engine(_migrated_url)
    with engine.begin() as connection:
        for table in reversed(Table.metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "ardoise.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_url(postgresql_cluster: Cluster) -> str:
    url = postgresql_cluster.create()
    _migrate(url)
    return url


def _migrate(url: str) -> None:
    database = Database(url)
    migrations.upgrade(database)
    database.close()
