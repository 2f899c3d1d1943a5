"""What the doctor says of digits and of what is none; how digits that are sent in other ways are read; what it costs.

Over HTTP, from a service with one worker and a network that it has trained on MNIST for three epochs. Rates are shares
of the pictures of a kind, which are made from fixed seeds: `tests/strange_pictures.py`, `tests/sent_pictures.py`.
"""

import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from PIL import Image

from service import datasets
from tests.benchmarks import Statement
from tests.sent_pictures import WAYS, line, page
from tests.served import LONGEST_SWEEP_SECONDS, served
from tests.strange_pictures import NOTHING, half_erased, side_by_side

DATA_DIR = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
AT_ONCE = 50


def measure() -> list[Statement]:
    """The tables; none where MNIST and USPS are not there."""
    if not (DATA_DIR / "MNIST").is_dir() or not (DATA_DIR / "USPS").is_dir():
        return []
    with trained() as reader:
        return [*_verdicts(reader, 300), *_robustness(reader, 1000), *_lines(reader, 100), *_cost(reader)]


@dataclass(frozen=True)
class Reader:
    """A network that has learnt MNIST, asked over HTTP."""

    http: httpx.Client
    path: str

    def predictions(self, images: Sequence[np.ndarray], **query: str) -> list[dict[str, Any]]:
        """Sent as PNG files, some at once."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(images), AT_ONCE):
            files = [("image", ("a.png", _file(each), "image/png")) for each in images[start : start + AT_ONCE]]
            found += self._answered(files, query)["predictions"]
        return found

    def text(self, image: np.ndarray) -> str:
        """What is written on one picture."""
        return str(self._answered([("image", ("a.png", _file(image), "image/png"))], {"segment": "true"})["text"])

    def accuracy(self, images: Sequence[np.ndarray], labels: np.ndarray) -> float:
        """The share of the images that are read as labelled."""
        read = [each["digit"] for each in self.predictions(images)]
        return float((np.array(read) == labels[: len(read)]).mean())

    def _answered(self, files: list[Any], query: dict[str, str]) -> dict[str, Any]:
        answer = self.http.post(self.path, params=query, files=files)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def trained(*, epochs: int = 3) -> Iterator[Reader]:
    """A service with a dense network of MNIST, trained by a real worker."""
    with (
        served(workers=1, data_dir=DATA_DIR) as service,
        httpx.Client(base_url=service.url, trust_env=False, timeout=LONGEST_SWEEP_SECONDS) as http,
    ):
        spec = {"dataset": "mnist", "architecture": "mlp", "activation": "relu", "epochs": epochs}
        experiment_id = str(http.post("/v1/experiments", json=spec).json()["id"])
        while http.get(f"/v1/experiments/{experiment_id}").json()["state"] in {"queued", "running"}:
            http.get(f"/v1/experiments/{experiment_id}/metrics", params={"after_epoch": epochs, "wait": 60})
        yield Reader(http, f"/v1/experiments/{experiment_id}/predictions")


def digits_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels."""
    split = datasets.load(name, data_dir=DATA_DIR).test
    return split.images.numpy(), split.labels.numpy()


def kinds(count: int) -> Iterator[tuple[str, list[np.ndarray]]]:
    """What the doctor is shown: digits first, and then what it should stumble at."""
    random = np.random.default_rng(0)
    digits, _ = digits_of("mnist")
    yield "MNIST test digits", list(digits[:count])
    yield "MNIST test digits, as a JPEG", [WAYS["as_jpeg"](each, random) for each in digits[:count]]
    yield "USPS test digits", list(digits_of("usps")[0][:count])
    yield "half-erased digits", [half_erased(each, random) for each in digits[:count]]
    yield "two digits", [side_by_side(list(digits[2 * at : 2 * at + 2]), random) for at in range(count)]
    for name, make in NOTHING.items():
        yield name.replace("_", " "), [make(random) for _ in range(count)]


def _verdicts(reader: Reader, count: int) -> list[Statement]:
    found = []
    for name, images in kinds(count):
        predictions = reader.predictions(images, doctor="true")
        verdicts = [each["verdict"] for each in predictions]
        refused, doubted = (verdicts.count(verdict) / len(verdicts) for verdict in ("no_digit", "doubtful"))
        sure = np.mean([(each["confidence"] or 0) > 0.9 for each in predictions])
        remark = (
            f"no_digit {refused:.1%}, doubtful {doubted:.1%}; confidence above 0.9 in {sure:.0%}; n={len(verdicts)}"
        )
        found.append(Statement(f"not a digit: {name}", 100 * (refused + doubted), "%", remark))
    return found


def _robustness(reader: Reader, count: int) -> list[Statement]:
    images, labels = digits_of("mnist")
    random = np.random.default_rng(0)
    found: list[Statement] = []
    for name, way in WAYS.items():
        accuracy = 100 * reader.accuracy([way(each, random) for each in images[:count]], labels)
        clean = found[0].value if found else accuracy
        found.append(Statement(f"read: {name}", accuracy, "%", f"{accuracy - clean:+.1f} points; n={count}"))
    return found


def _lines(reader: Reader, count: int) -> list[Statement]:
    images, labels = digits_of("mnist")
    random = np.random.default_rng(0)

    def share(make: Callable[[int], tuple[np.ndarray, str]]) -> tuple[float, float]:
        pairs = [make(at) for at in range(count)]
        texts = [(reader.text(picture), text) for picture, text in pairs]
        shapes = [[*map(len, got.split("\n"))] == [*map(len, text.split("\n"))] for got, text in texts]
        return 100 * float(np.mean(shapes)), 100 * float(np.mean([got == text for got, text in texts]))

    def run(first: int, length: int) -> tuple[list[np.ndarray], str]:
        return list(images[first : first + length]), "".join(map(str, labels[first : first + length]))

    def in_line(at: int, gap: int) -> tuple[np.ndarray, str]:
        digits, text = run(4 * at, 4)
        return line(digits, random, gap=gap), text

    def on_page(at: int) -> tuple[np.ndarray, str]:
        rows = [run(10 * at, 3), run(10 * at + 3, 5), run(10 * at + 8, 2)]
        return page([digits for digits, _ in rows], random), "\n".join(text for _, text in rows)

    cases: dict[str, Callable[[int], tuple[np.ndarray, str]]] = {
        "4 digits, a gap of 20 pixels": lambda at: in_line(at, 20),
        "4 digits, a gap of 3": lambda at: in_line(at, 3),
        "4 digits, touching": lambda at: in_line(at, 0),
        "4 digits, overlapping by 3 pixels": lambda at: in_line(at, -3),
        "3 lines, 10 digits": on_page,
    }
    found = []
    for name, make in cases.items():
        told_apart, read = share(make)
        remark = f"the whole text read right: {read:.0f} %; n={count}"
        found.append(Statement(f"told apart: {name}", told_apart, "%", remark))
    return found


def _cost(reader: Reader) -> list[Statement]:
    images, _ = digits_of("mnist")
    queries: dict[str, dict[str, str]] = {
        "as it is": {},
        "doctor=true": {"doctor": "true"},
        "segment=true": {"segment": "true"},
    }
    times: dict[str, list[float]] = {name: [] for name in queries}
    for image in images[:200]:
        for name, query in queries.items():
            began = time.perf_counter()
            reader.predictions([image], **query)
            times[name].append(1000 * (time.perf_counter() - began))
    return [Statement(f"one image: {name}", median(taken), "ms", f"n={len(taken)}") for name, taken in times.items()]


def _file(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
