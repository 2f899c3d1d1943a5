"""Workers and the API are killed at every named place there is; nothing that was accepted is lost, nothing is doubled.

The same at random instants, for as long as one likes: `make torture`.
"""

import signal
import socket
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from service import failpoints
from service.failpoints import Point
from service.settings import Settings
from service.storage import queue
from tests import armed
from tests.workers.conftest import PATIENCE_SECONDS, Bench
from tests.workers.test_loss import Ended

# Dropout, momentum, batch norm and a schedule: each has something that a careless resume would lose.
DELICATE: dict[str, Any] = {
    "dataset": {"name": "synthetic", "train_size": 400},
    "architecture": {"name": "mlp", "hidden": [16], "dropout": 0.4, "batch_norm": True},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "schedule": "cosine",
    "epochs": 26,
    "checkpoints": {"keep": "all"},
}
OF_THE_API = ("api.committing:kill@2", "api.committed:kill")
# Three attempts in a row that come to nothing are the most there may be.
OF_WORKERS = (
    "worker.claimed:kill",
    "epoch.begun:kill@2",
    "worker.prepared:kill",
    "epoch.batch:kill@9",
    "worker.begun:kill",
    "epoch.trained:kill@2",
    "epoch.validated:kill@2",
    "epoch.taken:kill@2",
    "heartbeat.renewing:kill,epoch.batch:hang@9",
    "checkpoint.begun:kill@2",
    "checkpoint.written:kill@4",
    "checkpoint.written:kill@6",
    "checkpoint.synced:kill@2",
    "checkpoint.renamed:kill@2",
    "checkpoint.placed:kill@2",
    "report.guarded:kill@2",
    "report.written:kill@2",
    "report.committed:kill@2",
    "report.cleaned:kill@2",
    "finish.tested:kill",
    "finish.written:kill",
    "finish.committed:kill",
)


def test_a_run_whose_workers_are_killed_at_every_place_ends_bit_equal(bench: Bench) -> None:
    """A place that is never reached kills nobody. Red where a resumed run forgets the optimizer's memory."""
    undisturbed = bench.submit(**DELICATE)
    bench.work()
    victim = bench.submit(**DELICATE)
    settings = Settings(home=bench.home)
    for armed_with in OF_WORKERS:
        with armed.worker(settings, armed_with) as worker:
            worker.join(PATIENCE_SECONDS)
            assert worker.exitcode == -signal.SIGKILL, f"{armed_with} was not reached"
            with bench.database.writing() as session:
                queue.release_worker(
                    session, armed.name_of(worker), max_failures=3, now=datetime.now(UTC), why="it was killed"
                )
    assert bench.get(victim).attempt == len(OF_WORKERS)
    assert Ended.of(bench, victim) == Ended.of(bench, undisturbed)


def test_what_was_accepted_is_there_after_the_api_was_killed_around_a_commit(bench: Bench) -> None:
    """Red where the answer is sent before the commit, as FastAPI's dependencies do by themselves."""
    settings = Settings(home=bench.home)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False) as http:

            def submit(key: str) -> httpx.Response:
                spec = {"dataset": "digits", "architecture": "perceptron", "name": key}
                return http.post("/v1/experiments", json=spec, headers={"Idempotency-Key": key})

            before, after = OF_THE_API
            with armed.api(settings, listener, before):
                accepted = submit("first")
                assert accepted.status_code == 202
                with pytest.raises(httpx.TransportError):
                    submit("second")
            with armed.api(settings, listener, after), pytest.raises(httpx.TransportError):
                submit("second")
            with armed.api(settings, listener):
                stored = {each["name"]: each["id"] for each in http.get("/v1/experiments").json()["items"]}
                assert stored["first"] == accepted.json()["id"]
                assert set(stored) == {"first", "second"}
                for key, experiment_id in stored.items():
                    again = submit(key)
                    assert (again.status_code, again.json()["id"]) == (202, experiment_id)
                assert http.get("/v1/experiments").json()["total"] == 2


def test_no_place_is_left_out() -> None:
    killed = {each.partition(":")[0] for each in (*OF_WORKERS, *OF_THE_API)}
    assert killed == set(Point)


def test_what_is_armed_is_done_at_its_time_to_its_run_alone() -> None:
    try:
        failpoints.arm("epoch.batch:raise@2#poison,epoch.taken:memory")
        failpoints.reach(Point.BATCH, ["healthy"])
        failpoints.reach(Point.BATCH, ["healthy", "poison"])
        failpoints.reach(Point.TRAINED, ["poison"])
        with pytest.raises(failpoints.FailpointError, match=r"epoch\.batch"):
            failpoints.reach(Point.BATCH, ["poison"])
        failpoints.reach(Point.BATCH, ["poison"])
        with pytest.raises(MemoryError):
            failpoints.reach(Point.TAKEN)
    finally:
        failpoints.arm("")
    failpoints.reach(Point.TAKEN)
    with pytest.raises(ValueError, match=r"epoch\.lunch"):
        failpoints.arm("epoch.lunch:kill")
