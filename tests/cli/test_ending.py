"""R10. SIGTERM and Ctrl-C: who asks is answered, what runs is stored, soon, and the next start ends it bit for bit."""

import hashlib
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx

from service.client import Client
from service.domain.experiment import Experiment, State
from service.domain.history import EventKind
from service.settings import Settings
from service.storage import Database, experiments, history
from tests.cli.conftest import LONG_SECONDS, Served, has_ended, until
from tests.workers.conftest import numbers

# Dropout, momentum, batch norm and a schedule: each has something that a careless resume would lose.
DELICATE: dict[str, Any] = {
    "dataset": "synthetic",
    "architecture": {"name": "mlp", "hidden": [48], "dropout": 0.4, "batch_norm": True},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "schedule": "cosine",
    "epochs": 400,
}
ENDLESS = {"dataset": "synthetic", "architecture": "cnn", "epochs": 10_000}
DIGIT = {"pixels": [[0] * 8, *[[0, 0, 0, 200, 200, 0, 0, 0]] * 6, [0] * 8]}
PROMISED_SECONDS = 10.0
"""From SIGTERM to the end of the service; it mostly takes one."""
Serving = Callable[..., Served]


def ended(client: Client, experiment_id: str) -> tuple[object, ...]:
    """All that must be the same to the bit."""
    *_, found = client.watch(experiment_id)
    assert isinstance(found, Experiment)
    assert found.state is State.COMPLETED
    weights = hashlib.sha256(client.weights(experiment_id, "last")).hexdigest()
    return numbers(client.metrics(experiment_id).items), weights, found.test, found.best


def left(served: Served, experiment_id: str) -> tuple[Experiment, EventKind]:
    """What the database says of a run, while nobody serves, and what happened to it last."""
    database = Database(Settings(home=served.home).database)
    try:
        with database.reading() as session:
            found = experiments.get(session, experiment_id)
            return found, history.of(session, experiment_id).items[-1].kind
    finally:
        database.close()


def ask(url: str, experiment_id: str, answers: list[int]) -> None:
    """One image after another over one connection, until it is closed."""
    with httpx.Client(base_url=url, trust_env=False, timeout=LONG_SECONDS) as http:
        while True:
            try:
                answers.append(http.post(f"/v1/experiments/{experiment_id}/predictions", json=DIGIT).status_code)
            except httpx.TransportError:
                return


def test_sigterm_answers_who_asks_stores_what_runs_and_the_next_start_ends_it_bit_equal(serving: Serving) -> None:
    """Red where a worker ends without giving its run back, and where a resumed run forgets the optimizer's memory."""
    first = serving("--workers", "1")
    answers: list[int] = []
    with Client(first.url) as client, ThreadPoolExecutor(1) as pool:
        undisturbed = client.submit(DELICATE).id
        expected = ended(client, undisturbed)
        victim = client.submit(DELICATE).id
        asking = pool.submit(ask, first.url, undisturbed, answers)
        until(lambda: answers and client.checkpoints(victim).items, what="an answer, and a checkpoint")
        first.process.terminate()
        assert first.process.wait(timeout=PROMISED_SECONDS) == 0
        asking.result(LONG_SECONDS)
    assert {*answers} == {200}
    found, last = left(first, victim)
    assert (found.state, last) == (State.QUEUED, EventKind.GIVEN_BACK)
    with Client(serving("--workers", "1").url) as client:
        assert ended(client, victim) == expected
        done = client.get(victim)
        assert (done.attempt, done.resumed_inexact) == (2, False)
        assert done.resumptions[0].after_epoch > 0


def test_a_second_interrupt_waits_for_no_worker_and_the_next_start_takes_its_run_up(serving: Serving) -> None:
    """It sleeps, so that it neither stops nor hears that its parent is gone."""
    served = serving("--workers", "1")
    log = served.home.parent / "home.log"
    with Client(served.url) as client:
        victim = client.submit(ENDLESS).id
        until(lambda: client.get(victim).progress.epoch > 0, what="the first epoch")
        sleeper = int((client.get(victim).worker or "").rpartition(":")[2])
    os.kill(sleeper, signal.SIGSTOP)
    try:
        served.process.send_signal(signal.SIGINT)
        until(lambda: "Shutting down" in log.read_text(), what="the beginning of the end")
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(timeout=LONG_SECONDS) == 0
        assert "the workers did not end in time" in log.read_text()
        assert "a worker did not stop in time" not in log.read_text()
        assert left(served, victim)[0].state is State.RUNNING
    finally:
        with suppress(ProcessLookupError):  # nobody's children that sleep are sent SIGHUP by the kernel
            os.kill(sleeper, signal.SIGCONT)
    until(lambda: has_ended(sleeper), what="the end of the worker that slept")
    with Client(serving("--workers", "1").url) as client:
        until(lambda: client.get(victim).attempt == 2, what="another attempt")
