"""The real app behind a real server on a free port, with a SQLite file of its own; and what workers would write."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import torch
import uvicorn

from service.api import state
from service.api.server import Server
from service.app import create_app
from service.domain.experiment import State
from service.domain.metrics import EpochMetrics
from service.domain.run import Run
from service.settings import Settings
from service.storage import Database, metrics, queue
from service.storage.tables import ExperimentRow, ModelRow, WorkerRow
from workers.heartbeat import Heartbeat
from workers.run import execute
from workers.workshop import Workshop

PATIENCE_SECONDS = 10.0
LEASE_SECONDS = 60.0
NOWHERE = Path("nowhere")
"""A data folder that is not there: what is trained here needs none."""
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass
class Served:
    """A running server, a client of it, and the hands of a worker."""

    http: httpx.Client
    settings: Settings
    server: Server
    service: state.Service

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.http.base_url)

    @property
    def database(self) -> Database:
        """The service's own: tests write through it what workers write."""
        return self.service.database

    def submit(self, **spec: Any) -> str:
        """Submit by HTTP; the id."""
        body = {"dataset": "synthetic", "architecture": "perceptron", "epochs": 5} | spec
        answer = self.http.post("/v1/experiments", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def claim(self) -> Run:
        """Take the next experiment as a worker does."""
        with self.database.writing() as session:
            run = queue.claim(session, worker="host:1", lease_seconds=LEASE_SECONDS, now=NOON)
        assert run is not None
        return run

    def record(self, run: Run, *epochs: int, **facts: Any) -> None:
        """Store these epochs as a worker does."""
        rows = [row_of(epoch) for epoch in epochs]
        last = rows[-1]
        known = {
            "epoch": last.epoch,
            "fraction": last.epoch / run.spec.epochs,
            "best_epoch": last.epoch,
            "best_val_loss": last.val_loss,
            "best_val_accuracy": last.val_accuracy,
            "last_val_loss": last.val_loss,
        }
        with self.database.writing() as session:
            queue.guard(session, run, lease_seconds=LEASE_SECONDS, **(known | facts))
            metrics.record(session, run.experiment_id, rows)

    def finish(self, run: Run, state: State = State.COMPLETED, **facts: Any) -> None:
        """End the run as a worker does."""
        with self.database.writing() as session:
            queue.finish(session, run, state, now=NOON, **facts)

    def completed(self, *, epochs: int = 3, **spec: Any) -> str:
        """An experiment that has run to its end; the queue must be empty before."""
        experiment_id = self.submit(epochs=epochs, **spec)
        run = self.claim()
        self.record(run, *range(1, epochs + 1))
        self.finish(run, test_loss=0.25, test_accuracy=0.9)
        return experiment_id

    def train(self, **spec: Any) -> str:
        """An experiment that the workers' own code trains to its end in this process; the queue must be empty."""
        experiment_id = self.submit(**spec)
        workshop = Workshop(
            worker="here",
            database=self.database,
            artifacts=self.settings.artifacts_dir,
            data_dir=NOWHERE,
            mirror=None,
            lease_seconds=LEASE_SECONDS,
            max_failures=3,
            threads=1,
        )
        heartbeat = Heartbeat(self.database, worker="here", lease_seconds=LEASE_SECONDS, draining=Event())
        threads = torch.get_num_threads()
        execute(self.claim(), workshop, heartbeat)
        torch.set_num_threads(threads)
        return experiment_id

    def clear(self) -> None:
        """Forget everything, whatever its state."""
        with self.database.writing(durable=False) as session:
            session.execute(sa.delete(ExperimentRow))
            session.execute(sa.delete(WorkerRow))
            session.execute(sa.delete(ModelRow))


def row_of(epoch: int) -> EpochMetrics:
    """The figures of an epoch: exact in binary, and one of them not finite."""
    return EpochMetrics(
        epoch=epoch,
        train_loss=None if epoch == 2 else 1 / 2**epoch,
        train_accuracy=1 - 1 / 2**epoch,
        val_loss=0.1 + epoch,
        val_accuracy=1 / 3,
        learning_rate=0.1,
        epoch_seconds=0.5,
        samples_per_second=1e5 / 3,
        recorded_at=NOON + timedelta(seconds=epoch),
    )


def wait_until(condition: Callable[[], object]) -> None:
    """Look every few milliseconds until it holds; fail when patience is at an end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


@contextmanager
def serving(settings: Settings, *, port: int = 0) -> Iterator[Served]:
    """A server in a thread of this process, for as long as the block lasts."""
    app = create_app(settings)
    server = Server(uvicorn.Config(app, port=port, log_config=None, access_log=False, server_header=False))
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS, trust_env=False) as http:
            yield Served(http=http, settings=settings, server=server, service=state.of(app))
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)


@pytest.fixture(scope="session")
def _one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(settings_for(tmp_path_factory.mktemp("home"))) as served:
        yield served


@pytest.fixture
def served(_one_server: Served) -> Iterator[Served]:
    """The one server of this session, empty."""
    yield _one_server
    _one_server.clear()


@pytest.fixture
def http(served: Served) -> httpx.Client:
    """A client of it."""
    return served.http


def settings_for(home: Path) -> Settings:
    """Small limits, so that small tests reach them."""
    return Settings(home=home, max_body_bytes=512 * 1024)
