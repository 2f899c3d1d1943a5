"""Workers that all train, and readers beside them: how long a read takes, and what a second worker is worth.

The reads are those of a page that shows experiments while they learn. Eight clients send them, each over a connection
of its own, about a hundred a second in all, while every worker of an `ardoise serve` trains: one of them convolutions,
the others dense networks side by side.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import quantiles

import httpx

from service.settings import cores
from tests.benchmarks import Measurement, Statement
from tests.cli.conftest import until
from tests.served import Served, served

REPETITIONS = 5
CLIENTS = 8
READS = 2_400
"""Of all clients together."""
READS_PER_SECOND = 100
GOAL_MS = 50
GOAL_OF_A_SECOND_WORKER = 0.6

LONG = {"dataset": "mnist", "epochs": 1_000}
"""More epochs than are trained while anybody reads."""
EARLIER = {"base": {"dataset": "digits", "architecture": "perceptron", "epochs": 10}, "seeds": [*range(64)]}
"""So that the list has a whole page."""
SWEEPS = {
    "24 seeds of 256-64-10 on USPS, 10 epochs": {
        "base": {"dataset": "usps", "architecture": {"name": "mlp", "hidden": [64]}, "epochs": 10},
        "seeds": [*range(24)],
    },
    "4 seeds of cnn on USPS, 2 epochs": {
        "base": {"dataset": "usps", "architecture": "cnn", "epochs": 2},
        "seeds": [*range(4)],
    },
}


def measure() -> list[Measurement | Statement]:
    """Nothing where there is no real data."""
    data_dir = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
    if not (data_dir / "MNIST").is_dir() or not (data_dir / "USPS").is_dir():
        return []
    with served(data_dir=data_dir) as service:
        milliseconds = _reads_while_training(service)
    return [*_told(milliseconds), *_second_worker(data_dir)]


def _reads_while_training(service: Served) -> list[float]:
    """Milliseconds of each, the first of each client left out."""
    client = service.client
    service.sweep(EARLIER)
    one, two = ({**LONG, "architecture": "cnn", "seed": seed} for seed in range(2))
    client.submit(one)
    sweep = client.sweep({"base": {**LONG, "architecture": "mlp"}, "seeds": [*range(8)]})
    client.submit(two)
    shown = sweep.experiment_ids[0]
    until(lambda: all(each.experiment_id for each in client.workers().items), what="runs with all workers")
    until(lambda: len(client.metrics(shown).items) > 1, what="epochs to read")
    paths = [
        "/v1/experiments?limit=50",
        f"/v1/experiments/{shown}",
        f"/v1/experiments/{shown}/metrics",
        f"/v1/experiments/{shown}/learning-curves",
        "/v1/queue",
        "/v1/workers",
        "/readyz",
    ]
    with ThreadPoolExecutor(CLIENTS) as clients:
        taken = list(clients.map(partial(_read, service.url, paths), range(CLIENTS)))
    return [each for own in taken for each in own]


def _read(url: str, paths: Sequence[str], number: int) -> list[float]:
    """One client: it looks at one path after another, at its own times."""
    taken = []
    every = CLIENTS / READS_PER_SECOND
    with httpx.Client(base_url=url, trust_env=False) as client:
        due = time.perf_counter() + every * number / CLIENTS
        for turn in range(number, number + READS // CLIENTS + 1):
            time.sleep(max(0.0, due - time.perf_counter()))
            due += every
            began = time.perf_counter()
            client.get(paths[turn % len(paths)]).raise_for_status()
            taken.append(1_000 * (time.perf_counter() - began))
    return taken[1:]


def _told(milliseconds: Sequence[float]) -> list[Statement]:
    parts = quantiles(milliseconds, n=1_000)
    what = f"{len(milliseconds)} reads while all of {cores()} workers train"
    return [
        Statement(f"a read, the {name}", value, "ms", f"{what}{goal}")
        for name, value, goal in (
            ("median", parts[499], ""),
            ("99th percentile", parts[989], f"; goal: below {GOAL_MS} ms"),
            ("slowest", max(milliseconds), ""),
        )
    ]


def _second_worker(data_dir: Path) -> list[Measurement]:
    """The same work for two workers and for one; either service has all of the machine while it is its turn."""
    with served(workers=2, data_dir=data_dir) as two, served(workers=1, data_dir=data_dir) as one:
        taken: dict[str, list[tuple[float, float]]] = {what: [] for what in SWEEPS}
        for repetition in range(REPETITIONS + 1):
            for what, sweep in SWEEPS.items():
                seconds = (two.seconds(sweep), one.seconds(sweep))
                if repetition:  # the first is to warm up
                    taken[what].append(seconds)
    return [
        Measurement(
            name=f"{what}, two workers",
            ours=tuple(ours for ours, _ in each),
            baseline=tuple(alone for _, alone in each),
            baseline_name="one worker",
            at_most=GOAL_OF_A_SECOND_WORKER,
        )
        for what, each in taken.items()
    ]
