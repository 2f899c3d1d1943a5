"""R9. Cancel, continue and delete in every state that a run can be in, over HTTP, with real workers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.failpoints import VARIABLE
from tests.cli.conftest import LONG_SECONDS, environment, start, stop, until

TINY: dict[str, Any] = {
    "dataset": {"name": "synthetic", "train_size": 200},
    "architecture": {"name": "mlp", "hidden": [8]},
    "epochs": 2,
}
ENDLESS: dict[str, Any] = {"dataset": "synthetic", "architecture": "cnn", "epochs": 10_000}
STEEP = {"name": "sgd", "learning_rate": 1000.0}
ARMED = "epoch.batch:hang@*#stuck,epoch.batch:raise@*#poison"

TABLE: dict[tuple[str, str], tuple[int, str | None]] = {
    ("queued", "cancel"): (202, "cancelled"),
    ("queued", "continue"): (409, "queued"),
    ("queued", "delete"): (204, None),
    ("running", "cancel"): (202, "cancelled"),
    ("running", "continue"): (409, "running"),
    ("running", "delete"): (409, "running"),
    ("cancel requested", "cancel"): (202, "running"),
    ("cancel requested", "continue"): (409, "running"),
    ("cancel requested", "delete"): (409, "running"),
    ("completed", "cancel"): (409, "completed"),
    ("completed", "continue"): (202, "completed"),
    ("completed", "delete"): (204, None),
    ("cancelled", "cancel"): (409, "cancelled"),
    ("cancelled", "continue"): (202, "completed"),
    ("cancelled", "delete"): (204, None),
    ("failed", "cancel"): (409, "failed"),
    ("failed", "continue"): (409, "failed"),
    ("failed", "delete"): (204, None),
    ("diverged", "cancel"): (409, "completed"),
    ("diverged", "continue"): (409, "completed"),
    ("diverged", "delete"): (204, None),
}
"""What is answered, and the state in which the run then ends or stays; None: it is gone."""


@dataclass
class Lab:
    """A service, and one worker that can train beside one that is stuck in a batch."""

    http: httpx.Client
    home: Path
    stuck: str = ""
    """A run that was asked to cancel, and whose worker does not get to hear of it."""

    def submit(self, spec: dict[str, Any], **more: Any) -> str:
        """Its id."""
        return str(self.http.post("/v1/experiments", json=spec | more).raise_for_status().json()["id"])

    def ask(self, experiment_id: str, action: str) -> int:
        """The status of the answer."""
        own = f"/v1/experiments/{experiment_id}"
        if action == "delete":
            return self.http.delete(own).status_code
        return self.http.post(f"{own}/{action}", json={"epochs": 1} if action == "continue" else None).status_code

    def state(self, experiment_id: str) -> str | None:
        """None where it is not there."""
        answer = self.http.get(f"/v1/experiments/{experiment_id}")
        return None if answer.status_code == 404 else str(answer.json()["state"])

    def comes_to(self, experiment_id: str, state: str | None) -> None:
        """Wait for it."""
        until(lambda: self.state(experiment_id) == state, what=f"{state or 'its end'}")

    def stands(self, experiment_id: str) -> list[str]:
        """All that is known of a run."""
        own = f"/v1/experiments/{experiment_id}"
        return [self.http.get(f"{own}{part}").text for part in ("", "/metrics", "/checkpoints", "/history")]

    def epoch(self, experiment_id: str) -> int:
        """How far it is."""
        return int(self.http.get(f"/v1/experiments/{experiment_id}").json()["progress"]["epoch"])

    def running(self) -> str:
        """A run in training, some epochs old."""
        experiment_id = self.submit(ENDLESS)
        until(lambda: self.epoch(experiment_id) > 0, what="the first epoch")
        return experiment_id

    def cancel(self, experiment_id: str) -> str:
        """And wait for its end."""
        assert self.ask(experiment_id, "cancel") == 202
        self.comes_to(experiment_id, "cancelled")
        return experiment_id

    def ended(self, state: str, **more: Any) -> str:
        """A run that has ended so by itself."""
        experiment_id = self.submit(TINY, **more)
        self.comes_to(experiment_id, state)
        return experiment_id


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """With a run that is stuck."""
    home = tmp_path_factory.mktemp("states") / "home"
    served = start(home, "--workers", "0")
    variables = environment(home=str(home)) | {VARIABLE: ARMED}
    workers = subprocess.Popen([sys.executable, "-m", "workers", "--count", "2"], env=variables)
    try:
        with httpx.Client(base_url=served.url, timeout=LONG_SECONDS, trust_env=False) as http:
            lab = Lab(http, home)
            lab.stuck = lab.submit(TINY, name="stuck")
            lab.comes_to(lab.stuck, "running")
            assert lab.ask(lab.stuck, "cancel") == 202
            yield lab
    finally:
        workers.terminate()
        workers.wait(LONG_SECONDS)
        stop(served.process)


@pytest.fixture
def brought(lab: Lab, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A state, and a run that is in it."""
    state = request.param
    busy = lab.running() if state == "queued" else None
    match state:
        case "queued":
            experiment_id = lab.submit(TINY)
        case "running":
            experiment_id = lab.running()
        case "cancel requested":
            experiment_id = lab.stuck
        case "cancelled":
            experiment_id = lab.cancel(lab.running())
        case "failed":
            experiment_id = lab.ended("failed", name="poison")
        case "diverged":
            experiment_id = lab.ended("completed", optimizer=STEEP)
            assert lab.http.get(f"/v1/experiments/{experiment_id}").json()["diverged"]
        case _:
            experiment_id = lab.ended(state)
    yield state, experiment_id
    if busy is not None:
        lab.cancel(busy)
    if state == "running" and lab.state(experiment_id) == "running":
        lab.cancel(experiment_id)


@pytest.mark.parametrize(("brought", "action"), TABLE, indirect=["brought"], ids=[" ".join(each) for each in TABLE])
def test_each_action_in_each_state_does_what_the_table_says(lab: Lab, brought: tuple[str, str], action: str) -> None:
    state, experiment_id = brought
    status, becomes = TABLE[state, action]
    before = lab.stands(experiment_id)
    assert lab.ask(experiment_id, action) == status
    if status == 409:
        assert lab.state(experiment_id) == becomes
        if state not in {"queued", "running", "cancel requested"}:
            assert lab.stands(experiment_id) == before
        return
    lab.comes_to(experiment_id, becomes)
    if action == "continue":
        assert lab.epoch(experiment_id) == lab.http.get(f"/v1/experiments/{experiment_id}").json()["spec"]["epochs"]
        rows = lab.http.get(f"/v1/experiments/{experiment_id}/metrics").json()["items"]
        assert [row["epoch"] for row in rows] == [*range(1, lab.epoch(experiment_id) + 1)]
    if action == "delete":
        assert [lab.ask(experiment_id, each) for each in ("cancel", "continue", "delete")] == [404] * 3
        assert not (lab.home / "artifacts" / experiment_id).exists()


def test_the_table_has_every_state_and_every_action() -> None:
    states = {"queued", "running", "cancel requested", "completed", "cancelled", "failed", "diverged"}
    assert {*TABLE} == {(state, action) for state in states for action in ("cancel", "continue", "delete")}


def test_a_run_that_was_asked_to_cancel_ends_with_its_worker_and_what_had_ended_stays(lab: Lab) -> None:
    """Red where a run that is taken from a worker waits again whatever was asked of it."""
    there = [lab.ended("completed"), lab.ended("failed", name="poison"), lab.cancel(lab.running())]
    before = [lab.stands(each) for each in there]
    for each in lab.http.get("/v1/workers").json()["items"]:
        os.kill(int(each["id"].rpartition(":")[2]), signal.SIGKILL)
    lab.comes_to(lab.stuck, "cancelled")
    lab.ended("completed")
    assert [lab.stands(each) for each in there] == before
