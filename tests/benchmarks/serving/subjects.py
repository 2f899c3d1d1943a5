"""What is measured: a service that has trained two networks, a naive app with their weights, and what they are sent."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from service import datasets
from tests.benchmarks.serving import Body
from tests.benchmarks.serving.alone import network_in
from tests.cli.conftest import LONG_SECONDS, stop, until
from tests.cli.conftest import api_processes as several_api_processes
from tests.served import Served

DATA_DIR = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
DATASET = {"name": "mnist", "train_size": 12_000}
SPECS: Mapping[str, dict[str, Any]] = {
    "mnist_example": {"dataset": DATASET, "architecture": "mnist_example", "epochs": 1},
    "mlp": {"dataset": DATASET, "architecture": {"name": "mlp", "hidden": [256, 256]}, "epochs": 1},
}
LONG_RUN = {"dataset": "mnist", "architecture": "mnist_example", "epochs": 1_000}
"""Trains for longer than anything here takes."""
IMAGES = 64
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Trained:
    """A network that the service has trained."""

    experiment_id: str
    folder: Path
    """Of its checkpoint."""


def trained(service: Served, networks: list[str]) -> dict[str, Trained]:
    """Train the networks, each for an epoch."""
    found = {}
    for network in networks:
        (own,) = (each.id for each in service.sweep({"base": SPECS[network], "seeds": [0]}).items)
        (folder,) = (service.home / "artifacts" / own).iterdir()
        found[network] = Trained(own, folder)
    return found


def digits() -> np.ndarray:
    """Test images of MNIST, uint8 `(n, 28, 28)`, which no network has learnt from."""
    images: np.ndarray = datasets.load("mnist", data_dir=DATA_DIR).test.images[:IMAGES].numpy()
    return images


def write_bodies(folder: Path, bodies: Iterable[Body]) -> dict[Body, Path]:
    """A folder of numbered files for each way to send the digits."""
    places = {body: folder / body for body in bodies}
    for body, place in places.items():
        place.mkdir()
        for number, image in enumerate(digits()):
            (place / str(number)).write_bytes(_sent(image, body))
    return places


def _sent(image: np.ndarray, body: Body) -> bytes:
    if body is Body.JSON:
        return json.dumps({"pixels": image.tolist()}).encode()
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def check(url: str, body: Body, place: Path, folder: Path, images: np.ndarray) -> None:
    """What is answered to the images is what the checkpoint's own network says of them."""
    import torch

    network, manifest = network_in(folder)
    with torch.inference_mode():
        batch = datasets.standardise(torch.tensor(images), mean=manifest.mean, std=manifest.std)
        expected = network(batch).numpy()
    with httpx.Client(trust_env=False, timeout=LONG_SECONDS) as http:
        for number, logits in enumerate(expected):
            sent = (place / str(number)).read_bytes()
            answer = http.post(url, content=sent, headers={"Content-Type": body.media_type})
            said = answer.raise_for_status().json()["predictions"][0]["logits"]
            assert np.abs(np.array(said) - logits).max() < TOLERANCE, (url, number)


@contextmanager
def naive(checkpoints: Mapping[str, Trained]) -> Iterator[str]:
    """The naive app's URL."""
    named = [f"{name}={each.folder}" for name, each in checkpoints.items()]
    command = [sys.executable, "-m", "tests.benchmarks.serving.naive", *named]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with httpx.Client(trust_env=False) as http:
            until(lambda: _answers(http, f"{url}/empty"), what="the naive app")
        yield url
    finally:
        stop(process)


def _answers(http: httpx.Client, url: str) -> bool:
    try:
        return http.post(url).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def training_beside(service: Served) -> Iterator[None]:
    """A run that is being trained."""
    run = service.client.submit(LONG_RUN)
    until(lambda: service.client.metrics(run.id).items, what="an epoch")
    yield
    service.client.cancel(run.id)


def api_processes(service: Served) -> list[int]:
    """Their ids."""
    return several_api_processes(service.process) or [service.process.pid]


def memory_mb(pid: int) -> tuple[float, float]:
    """Its pages in memory (RSS), and the same with each shared page divided by those who share it (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name.rstrip(":"): int(value) for name, value, *_ in map(str.split, lines)}
    return kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024
