"""A whole service under load, while its processes are killed, stopped and told to end, and its clock jumps.

Clients submit with idempotency keys and ask again until they are answered. In the end every run that was accepted must
have ended as the same run does undisturbed, to the bit, and there must be no other.
"""

import hashlib
import random
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.client import Client, ProblemError
from service.domain.experiment import State
from tests.cli.conftest import stop, until
from tests.torture import Outcome
from tests.torture._clients import Clients
from tests.torture._strikes import LEASE_SECONDS, Strikes, send
from tests.workers.conftest import numbers

PAUSE_SECONDS = (0.3, 2.5)
"""Between two faults."""
END_SECONDS = 10.0
"""How long the whole service may take to end when it is told to."""
CALM_SECONDS = 180.0
"""How long the queue may take to empty itself in the end."""
TINY: dict[str, Any] = {"dataset": {"name": "synthetic", "train_size": 600}, "checkpoints": {"keep": "all"}}
MLP: dict[str, Any] = {"name": "mlp", "hidden": [24], "dropout": 0.3, "batch_norm": True}
SPECS: tuple[dict[str, Any], ...] = (
    TINY | {"architecture": MLP, "schedule": "cosine", "epochs": 20},
    TINY | {"architecture": {"name": "mlp", "hidden": [16]}, "epochs": 40, "seed": 1},
    TINY | {"architecture": {"name": "mlp", "hidden": [16]}, "epochs": 40, "seed": 2},
    TINY | {"architecture": {"name": "cnn", "channels": [4], "hidden": []}, "optimizer": "adam", "epochs": 8},
    TINY | {"architecture": "perceptron", "epochs": 60, "checkpoints": {"keep": "best_and_last"}},
    TINY | {"architecture": MLP, "epochs": 200, "early_stopping": {"monitor": "val_loss", "patience": 5}},
)
ENDLESS = {"dataset": "synthetic", "architecture": "cnn", "epochs": 10_000}

Ended = tuple[list[tuple[float | int | None, ...]], str, Any, Any]


def torment(seconds: float, chance: random.Random) -> Outcome:
    """Two workers with leases of two seconds."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        strikes = Strikes(Path(folder) / "home", port, chance)
        try:
            return _weather(strikes, seconds)
        finally:
            stop(strikes.served.process)


def _weather(strikes: Strikes, seconds: float) -> Outcome:
    with Client(strikes.served.url, timeout=60) as client:
        references = [client.submit(spec).id for spec in SPECS]
        _wait_for(client, len(references))
        expected = [_ended(client, each) for each in references]
        clients = Clients(strikes.served.url, SPECS, strikes.chance)
        clients.start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(strikes.chance.uniform(*PAUSE_SECONDS))
            strikes.strike()
        clients.stop()
        _wait_for(client, len(clients.accepted) + len(references))
        lost = [*clients.lost, *_broken(clients, client, expected)]
        times = {
            "cancelled": (_seconds_to_cancel(client), 2.0),
            "resumed when killed": (_seconds_to_resume(client, signal.SIGKILL), LEASE_SECONDS + 5),
            "resumed when stopped": (_seconds_to_resume(client, signal.SIGSTOP), LEASE_SECONDS + 5),
            "ended when told to": (strikes.slowest_end, END_SECONDS),
        }
    lost += [f"{what} in {took:.1f} s, not {most:g}" for what, (took, most) in times.items() if took > most]
    faults = ", ".join(f"{count} x {name}" for name, count in strikes.faults.most_common())
    return Outcome(
        load=f"{len(clients.accepted):,} runs, {clients.requests:,} requests",
        faults=strikes.faults.total(),
        lost=tuple(lost),
        remark="; ".join((faults, *(f"{what} in {took:.2f} s" for what, (took, _most) in times.items()))),
    )


def _broken(clients: Clients, client: Client, expected: Sequence[Ended]) -> list[str]:
    """What was accepted and is not there, or not as it should be."""
    broken = []
    for key, (experiment_id, which) in clients.accepted.items():
        try:
            found = client.get(experiment_id)
        except ProblemError as problem:
            broken.append(f"{key} was accepted as {experiment_id}, and now: {problem}")
            continue
        if found.state is State.CANCELLED and experiment_id in clients.cancelled:
            continue
        if found.state is not State.COMPLETED:
            broken.append(f"{experiment_id} is {found.state}: {found.error}")
        elif _ended(client, experiment_id) != expected[which] or found.resumed_inexact:
            broken.append(f"{experiment_id} did not end as it does undisturbed")
    return broken


def _ended(client: Client, experiment_id: str) -> Ended:
    found = client.get(experiment_id)
    weights = hashlib.sha256(client.weights(experiment_id, "last")).hexdigest()
    return numbers(client.metrics(experiment_id).items), weights, found.test, found.best


def _wait_for(client: Client, count: int) -> None:
    """All have ended, and there are no more than these."""

    def all_ended() -> bool:
        queue = client.queue()
        return queue.queued == queue.running == 0

    until(all_ended, what="the end of all runs", seconds=CALM_SECONDS)
    total = client.page(limit=1).total
    assert total == count, f"there are {total} runs, of which {count} were accepted"


def _seconds_to_cancel(client: Client) -> float:
    endless = client.submit(ENDLESS).id
    until(lambda: client.get(endless).progress.epoch > 0, what="the first epoch")
    began = time.monotonic()
    client.cancel(endless)
    until(lambda: client.get(endless).state.ended, what="the end of a cancelled run")
    return time.monotonic() - began


def _seconds_to_resume(client: Client, number: signal.Signals) -> float:
    """From a worker's end, or its falling asleep, to the next new epoch of its run."""
    endless = client.submit(ENDLESS).id
    until(lambda: client.get(endless).progress.epoch > 0, what="the first epoch")
    before = client.get(endless)
    worker = int((before.worker or "").rpartition(":")[2])
    began = time.monotonic()
    send(worker, number)

    def goes_on() -> bool:
        now = client.get(endless)
        return now.attempt > before.attempt and now.progress.epoch > before.progress.epoch

    until(goes_on, what="the next epoch")
    took = time.monotonic() - began
    send(worker, signal.SIGCONT)
    client.cancel(endless)
    until(lambda: client.get(endless).state.ended, what="the end of a cancelled run")
    return took
