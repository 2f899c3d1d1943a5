"""How long each answer about finished runs of MNIST takes over HTTP, pictures included; allowed are 200 ms.

Of each endpoint the first answer of a service that has just started and has not been asked anything else, and the
median of ten more; so of a comparison of a hundred runs, for which 500 ms are allowed, and of the report on a whole lab
sheet. Runs are dense and convolutional networks on the whole of MNIST's test split, the largest is PyTorch's example,
one of 10,000 epochs, and a hundred of 1,000.
"""

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx

from tests.benchmarks import Statement
from tests.served import Served, served

REPETITIONS = 10
QUIET_SECONDS = 0.5
"""A service that has used no processor for so long has warmed up."""
IMAGE: Mapping[str, Any] = {"split": "test", "index": 17}
NOT_MEASURED = (
    "/events", "/onnx", "/safetensors", "/exported", "/notes/{note_id}", "/evaluations/{evaluation_id}", "/weights",
)  # fmt: skip
"""Files of networks, streams, and single rows."""


class Asked(NamedTuple):
    """A request, as the OpenAPI document has its path."""

    path: str
    query: str = ""
    body: Mapping[str, Any] | None = None


DENSE, EXAMPLE, LINEAR = (f"/v1/experiments/{{{name}}}" for name in ("dense", "example", "linear"))
STROKE = {"pixels": [[0] * 12 + [255] * 4 + [0] * 12] * 28}
TWO, HUNDRED = "?ids={dense},{linear}", "?sweep_id={hundred}"
CURVES = "/v1/comparisons/learning-curves"
ASKED = (
    *(Asked(DENSE + part) for part in ("", "/metrics", "/learning-curves", "/findings", "/notes", "/checkpoints")),
    *(Asked(DENSE + part) for part in ("/diagnostics", "/evaluations", "/history", "/export")),
    Asked(f"{DENSE}/images/{{index}}/history"),
    *(Asked(f"{DENSE}/learning-curves.{suffix}") for suffix in ("csv", "png", "svg")),
    *(Asked(f"/v1/experiments/{{long}}/{part}") for part in ("findings", "learning-curves", "learning-curves.png")),
    *(Asked(f"{each}/model") for each in (DENSE, EXAMPLE, LINEAR, "/v1/experiments/{stack}")),
    *(Asked(f"{DENSE}/{part}{suffix}") for part in ("confusion", "mistakes", "calibration") for suffix in ("", ".png")),
    Asked(f"{DENSE}/softmax", "?index=17&temperature=2"),
    *(Asked(f"{DENSE}/logits", query) for query in ("", "?limit=10000&format=csv")),
    *(Asked(f"{each}/filters{suffix}") for each in (DENSE, EXAMPLE) for suffix in ("", ".png")),
    *(Asked(f"{each}/predictions", query, STROKE) for each in (DENSE, EXAMPLE) for query in ("", "?doctor=true")),
    *(Asked(f"{EXAMPLE}/activations{suffix}", "?layer=convolution2", IMAGE) for suffix in ("", ".png")),
    Asked(f"{EXAMPLE}/activations/position", "?layer=convolution2&map=5&row=7&column=9", IMAGE),
    *(
        Asked(f"{EXAMPLE}/saliency{suffix}", f"?method={method}", IMAGE)
        for method in ("gradient", "occlusion")
        for suffix in ("", ".png")
    ),
    *(Asked(f"{LINEAR}/contributions{suffix}", body=IMAGE) for suffix in ("", ".png")),
    Asked("/v1/specs/preview", body={"dataset": "mnist", "architecture": "mnist_example"}),
    *(Asked(f"/v1/datasets/{{name}}/{part}.png") for part in ("samples", "images/{index}")),
    *(Asked(f"/v1/{part}", TWO) for part in ("disagreements", "disagreements.png", "diagnostics", "evaluations")),
    *(Asked("/v1/comparisons", query) for query in (TWO, HUNDRED)),
    *(Asked(f"{CURVES}.{suffix}", query) for query in (TWO, HUNDRED) for suffix in ("json", "csv", "png", "svg")),
    *(Asked(f"{CURVES}.{suffix}", f"{HUNDRED}&group=seeds") for suffix in ("png", "svg")),
    *(Asked(f"{CURVES}.{suffix}", "?sweep_id={hundred_long}") for suffix in ("json", "png")),
    Asked("/v1/learning-curves", "?ids={ids}"),
    *(Asked(f"/v1/comparisons/train-size{suffix}", "?sweep_id={sizes}") for suffix in ("", ".png", ".svg")),
    Asked("/v1/labs/{lab}/check", TWO),
    Asked("/v1/labs/{lab}/report", "?ids={dense},{example},{linear}"),
    *(Asked("/v1/labs/{lab}/report", f"?lang={language}&sweep_id={{sheet}}") for language in ("en", "fr")),
)  # fmt: skip
"""The names in braces are those that `_trained` gives."""


def measure() -> list[Statement]:
    """Two figures an endpoint; none where MNIST is not there."""
    data_dir = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
    if not (data_dir / "MNIST").is_dir():
        return []
    with tempfile.TemporaryDirectory() as home:
        with served(data_dir=data_dir, home=home) as service:
            _require_all(service)
            names = _trained(service)
        return [_measured(each, names, data_dir=data_dir, home=home) for each in ASKED]


def _trained(service: Served) -> dict[str, str]:
    """What stands in the braces of a request."""
    whole, part = "mnist", {"name": "mnist", "train_size": 500}
    names = {
        "dense": {"dataset": whole, "architecture": "mlp", "epochs": 3, "checkpoints": {"keep": "all"}},
        "stack": {"dataset": whole, "architecture": "mlp", "activation": "identity", "epochs": 1},
        "linear": {"dataset": whole, "architecture": "perceptron", "epochs": 1},
        "example": {"dataset": part, "architecture": "mnist_example", "epochs": 1},
        "long": {"dataset": {"name": "digits", "train_size": 100}, "architecture": "perceptron", "epochs": 10_000},
    }
    ids = {name: service.client.submit(spec).id for name, spec in names.items()}
    many = {"base": {"dataset": part, "architecture": "perceptron", "epochs": 20}, "seeds": [0, 1, 2, 3, 4]}
    rates = [{"name": "sgd", "learning_rate": rate / 1000} for rate in range(10, 30)]
    hundred = service.sweep({**many, "grid": {"optimizer": rates}})
    long = {**many, "base": names["long"] | {"epochs": 1_000}, "grid": {"optimizer": rates}}
    hundred_long = service.sweep(long)
    sizes = service.sweep({**many, "grid": {"dataset.train_size": [100, 200, 400, 800]}})
    sheet = service.client.run_lab("tp", offline=True).sweep_id
    service.ended(sheet)
    for each in ids.values():
        [*service.client.watch(each)]
    listed = {"ids": ",".join([ids["dense"], *(each.id for each in hundred.items[:49])])}
    return ids | listed | {
        "hundred": hundred.id, "hundred_long": hundred_long.id, "sizes": sizes.id, "sheet": sheet,
        "lab": "tp", "name": "mnist", "index": "17",
    }  # fmt: skip


def _require_all(service: Served) -> None:
    """An endpoint that is new and is about runs has its figure here, too."""
    known = {re.sub("experiments/{[a-z]+}", "experiments/{experiment_id}", each.path) for each in ASKED}
    document = httpx.get(f"{service.url}/openapi.json", trust_env=False, timeout=60).json()
    about = ("/v1/experiments/{experiment_id}", "/v1/comparisons", "/v1/disagreements", "/v1/diagnostics")
    missing = [
        path
        for path, methods in document["paths"].items()
        if path.startswith(about) and "get" in methods and path not in known and not path.endswith(NOT_MEASURED)
    ]
    assert not missing, missing


def _measured(asked: Asked, names: Mapping[str, str], *, data_dir: Path, home: str) -> Statement:
    with served(workers=0, data_dir=data_dir, home=home) as service, _asking(service, asked, names) as ask:
        _wait_until_it_has_warmed_up(service)
        first, *others = (ask() for _ in range(REPETITIONS + 1))
    method = "GET" if asked.body is None else "POST"
    shown = asked.path + asked.query
    return Statement(f"{method} {shown}", median(others), "ms", f"the first time {first:.0f} ms")


class _Ask:
    """Sends one request again and again."""

    def __init__(self, http: httpx.Client, asked: Asked, names: Mapping[str, str]) -> None:
        self._http, self._url = http, (asked.path + asked.query).format_map(names)
        self._content = None if asked.body is None else json.dumps(asked.body).encode()

    def __call__(self) -> float:
        """How many milliseconds it took."""
        method = "GET" if self._content is None else "POST"
        headers = {} if self._content is None else {"Content-Type": "application/json"}
        began = time.perf_counter()
        answer = self._http.request(method, self._url, content=self._content, headers=headers)
        seconds = time.perf_counter() - began
        answer.raise_for_status()
        return 1000 * seconds


@contextmanager
def _asking(service: Served, asked: Asked, names: Mapping[str, str]) -> Iterator[_Ask]:
    with httpx.Client(base_url=service.url, trust_env=False, timeout=60) as http:
        yield _Ask(http, asked, names)


def _wait_until_it_has_warmed_up(service: Served) -> None:
    used, since = service.cpu_seconds(), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        time.sleep(QUIET_SECONDS / 10)
        if (now := service.cpu_seconds()) != used:
            used, since = now, time.monotonic()
