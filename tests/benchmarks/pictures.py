"""Predictions beside pictures: how long a lone request takes while somebody asks for one picture after another."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import httpx

from tests.benchmarks import Measurement, Statement
from tests.served import served

REPETITIONS = 5
PREDICTIONS = 1_000
"""One after another, over one connection."""
SPEC = {"dataset": "digits", "architecture": "mlp", "epochs": 20}
DIGIT = {"pixels": [[0, 0, 0, 16 * 15, 16 * 15, 0, 0, 0]] * 8}


def measure() -> list[Measurement | Statement]:
    """Everything it needs is bundled."""
    with served(workers=1, data_dir=Path("nowhere"), owner_predictions="0") as service:
        run = service.sweep({"base": SPEC, "seeds": [0]}).items[0]
        path = f"{service.url}/v1/experiments/{run.id}"
        _predict(path)  # loads the network
        alone, beside, pictures = [], [], []
        for _ in range(REPETITIONS):
            alone.append(_predict(path))
            with _pictures(path) as drawn:
                beside.append(_predict(path))
            pictures.append(len(drawn) / sum(drawn))
    everything = [1_000 * each for taken in beside for each in taken]
    return [
        Measurement(
            "a prediction while pictures are drawn",
            tuple(map(median, beside)),
            tuple(map(median, alone)),
            "while none is",
            at_most=1.5,
        ),
        Statement(
            "a prediction while pictures are drawn, the 99th percentile",
            quantiles(everything, n=100)[98],
            "ms",
            f"{quantiles([1_000 * each for taken in alone for each in taken], n=100)[98]:.1f} ms while none is; "
            f"{median(pictures):.1f} pictures a second",
        ),
    ]


def _predict(path: str) -> list[float]:
    """Seconds of each."""
    taken = []
    with httpx.Client(trust_env=False) as client:
        for _ in range(PREDICTIONS):
            began = time.perf_counter()
            client.post(f"{path}/predictions", json=DIGIT).raise_for_status()
            taken.append(time.perf_counter() - began)
    return taken


@contextmanager
def _pictures(path: str) -> Iterator[list[float]]:
    """Asks for them until it is left; the seconds of each, where it is left."""
    taken: list[float] = []
    enough = threading.Event()

    def ask() -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not enough.is_set():
                began = time.perf_counter()
                client.get(f"{path}/learning-curves.png").raise_for_status()
                taken.append(time.perf_counter() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield taken
    finally:
        enough.set()
        asking.join()
