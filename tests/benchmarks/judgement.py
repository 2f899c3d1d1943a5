"""How long the analysis of a finished MNIST run takes over HTTP, pictures included; allowed are 200 ms.

A service with one worker; a dense network after three epochs, all of them stored, and a perceptron beside it. Of each
endpoint the first answer, for which nothing is in memory that no other endpoint has read, and the median of ten more.
"""

import os
import time
from pathlib import Path
from statistics import median

import httpx

from tests.benchmarks import Statement
from tests.served import LONGEST_SWEEP_SECONDS, Served, served

REPETITIONS = 10


def measure() -> list[Statement]:
    """One figure an endpoint; none where MNIST is not there."""
    data_dir = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
    if not (data_dir / "MNIST").is_dir():
        return []
    with served(workers=1, data_dir=data_dir) as service:
        dense = _trained(service, architecture="mlp", activation="relu", epochs=3, checkpoints={"keep": "all"})
        linear = _trained(service, architecture="perceptron", epochs=1)
        with httpx.Client(base_url=service.url, trust_env=False) as http:
            return [_measured(http, path) for path in _paths(dense, linear)]


def _paths(dense: str, linear: str) -> list[str]:
    own = ("confusion", "confusion.png", "mistakes", "mistakes.png", "softmax?index=17&temperature=2", "calibration")
    return [
        *(f"/v1/experiments/{dense}/{each}" for each in own),
        f"/v1/experiments/{dense}/calibration.png",
        f"/v1/experiments/{dense}/images/18/history",
        f"/v1/disagreements?ids={dense},{linear}",
        f"/v1/disagreements.png?ids={dense},{linear}",
        "/v1/datasets/mnist/samples.png",
    ]


def _trained(service: Served, **spec: object) -> str:
    with httpx.Client(base_url=service.url, trust_env=False, timeout=LONGEST_SWEEP_SECONDS) as http:
        answer = http.post("/v1/experiments", json={"dataset": "mnist", **spec}).json()
        experiment_id = str(answer["id"])
        after = {"after_epoch": answer["progress"]["epochs"], "wait": 60}
        while http.get(f"/v1/experiments/{experiment_id}").json()["state"] in {"queued", "running"}:
            http.get(f"/v1/experiments/{experiment_id}/metrics", params=after)
        return experiment_id


def _measured(http: httpx.Client, path: str) -> Statement:
    first, *others = (_milliseconds(http, path) for _ in range(REPETITIONS + 1))
    shown = "/".join("{id}" if len(part) == 36 else part for part in path.partition("?ids=")[0].split("/"))
    return Statement(name=f"GET {shown}", value=median(others), unit="ms", remark=f"the first time {first:.0f} ms")


def _milliseconds(http: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = http.get(path)
    seconds = time.perf_counter() - began
    answer.raise_for_status()
    return 1000 * seconds
