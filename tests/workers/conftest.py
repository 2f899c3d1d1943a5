"""A temporary home with a real SQLite file, and real worker processes on it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import torch

from service import ids, submission
from service.domain.experiment import Experiment, State
from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.domain.spec import ExperimentSpec
from service.storage import Database, checkpoints, experiments, metrics, migrations
from service.storage.tables import ExperimentRow
from workers import across, run
from workers.heartbeat import Heartbeat
from workers.turns import Turns
from workers.workshop import Workshop

PATIENCE_SECONDS = 60.0
LONG = "x" * 100
"""Too long for the name of a socket."""


@dataclass
class Bench:
    """Submits to a database and reads it, starts workers on it, and ends those that it started."""

    home: Path
    database: Database
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def artifacts(self) -> Path:
        """Where workers put checkpoints."""
        return self.home / "artifacts"

    def submit(self, **spec: Any) -> str:
        """Queue an experiment; its id."""
        parsed = ExperimentSpec.model_validate({"dataset": "synthetic", "architecture": "mlp"} | spec)
        with self.database.writing() as session:
            added = experiments.add(
                session,
                experiment_id=ids.new(),
                spec=parsed,
                parameters=submission.check(parsed),
                now=datetime.now(UTC),
            )
        return added.id

    def get(self, experiment_id: str) -> Experiment:
        """The experiment as it is now."""
        with self.database.reading() as session:
            return experiments.get(session, experiment_id)

    def epochs(self, experiment_id: str) -> tuple[EpochMetrics, ...]:
        """Its epochs as they are now."""
        with self.database.reading() as session:
            return metrics.epochs(session, experiment_id)

    def weights(self, experiment_id: str) -> bytes:
        """The bytes of the newest checkpoint's weights."""
        newest = max((self.artifacts / experiment_id).glob("*/weights.safetensors"))
        return newest.read_bytes()

    def lose(self, experiment_id: str, *, after: int | None = None) -> None:
        """Let an ended run wait again, as one that was lost before its end, or after its checkpoint of an epoch."""
        lost = {"state": State.QUEUED, "finished_at": None, "test_loss": None, "test_accuracy": None, "diverged": False}
        with self.database.writing() as session:
            for each in checkpoints.all_of(session, experiment_id):
                if after is not None and each.epoch > after:
                    checkpoints.forget(session, each)
            session.execute(sa.update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(**lost))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start `python -m workers`; its settings come from the environment alone."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ARDOISE_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "workers", *arguments],
            stdin=subprocess.PIPE,
            env=ours | {"ARDOISE_HOME": str(self.home), "ARDOISE_TORCH_THREADS": "1"} | environment,
        )
        self.started.append(process)
        return process

    def drain(self, *, count: int = 1, **environment: str) -> None:
        """Let workers empty the queue, and wait for it."""
        process = self.start("--count", str(count), "--drain", **environment)
        assert process.wait(timeout=PATIENCE_SECONDS) == 0

    def work(self) -> None:
        """Do in this process what a worker does, until nothing waits."""
        threads = torch.get_num_threads()
        workshop = Workshop(
            worker="here:1", database=self.database, artifacts=self.artifacts, data_dir=self.home / "data",
            mirror="http://127.0.0.1:9", lease_seconds=60.0, max_failures=3, threads=1,
        )  # fmt: skip
        heartbeat = Heartbeat(self.database, worker="here:1", lease_seconds=60.0, draining=threading.Event())
        turns = Turns(self.database, worker="here:1", lease_seconds=60.0)
        while (taken := turns.take()) is not None:
            if isinstance(taken, Run):
                run.execute(taken, workshop, heartbeat)
            else:
                across.execute(taken, workshop, heartbeat)
        torch.set_num_threads(threads)

    @contextmanager
    def asleep(self, pid: int) -> Iterator[None]:
        """The process does nothing meanwhile, and holds nothing that others wait for.

        One that fell asleep with SQLite's lock for writers, which is never held for long, is woken and stopped anew.
        """
        try:
            while True:
                os.kill(pid, signal.SIGSTOP)
                if self._can_be_written_to():
                    break
                os.kill(pid, signal.SIGCONT)
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def _can_be_written_to(self) -> bool:
        connection = self.database.lone_connection(busy_timeout_ms=1000)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except self.database.lone_errors:
            return False
        finally:
            connection.close()
        return True

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Look every few milliseconds until it holds; fail when patience is at an end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    def close(self) -> None:
        """End what was started and is still there."""
        for process in self.started:
            if process.stdin is not None:
                process.stdin.close()
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=PATIENCE_SECONDS)
        self.database.close()


@contextmanager
def opened(home: Path) -> Iterator[Bench]:
    """A bench in this folder, which is empty; what was started is ended with the block."""
    database = Database(f"sqlite:///{home / 'ardoise.db'}")
    migrations.upgrade(database)
    bench = Bench(home=home, database=database)
    try:
        yield bench
    finally:
        bench.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench of this test's own."""
    with opened(tmp_path) as bench:
        yield bench


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One warm worker for all tests that leave no run behind: starting one takes longer than most runs.

    The path of its temporary folder is long.
    """
    home = tmp_path_factory.mktemp("bench")
    (home / LONG).mkdir()
    with opened(home) as bench:
        bench.start("--count", "1", TMPDIR=str(home / LONG))
        yield bench


def numbers(epochs: tuple[EpochMetrics, ...]) -> list[tuple[float | int | None, ...]]:
    """The part of a curve that must be the same to the bit."""
    return [
        (each.epoch, each.train_loss, each.train_accuracy, each.val_loss, each.val_accuracy, each.learning_rate)
        for each in epochs
    ]
