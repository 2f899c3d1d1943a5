"""A temporary home with a real SQLite file, and real worker processes on it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service import ids, submission
from service.domain.experiment import Experiment
from service.domain.metrics import EpochMetrics
from service.domain.spec import ExperimentSpec
from service.storage import Database, experiments, metrics, migrations

PATIENCE_SECONDS = 60.0


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


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench of this test's own."""
    database = Database(f"sqlite:///{tmp_path / 'ardoise.db'}")
    migrations.upgrade(database)
    bench = Bench(home=tmp_path, database=database)
    try:
        yield bench
    finally:
        bench.close()


def numbers(epochs: tuple[EpochMetrics, ...]) -> list[tuple[float | int | None, ...]]:
    """The part of a curve that must be the same to the bit."""
    return [
        (each.epoch, each.train_loss, each.train_accuracy, each.val_loss, each.val_accuracy, each.learning_rate)
        for each in epochs
    ]
