"""A trained network without HTTP: the ceiling of what a process that computes in one thread can answer."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from torch import nn

from service import architectures
from service.domain.manifest import Manifest
from service.inference import forms

BATCHES = (1, 8, 32)
SECONDS = 0.2


@dataclass(frozen=True)
class Alone:
    """Images a second of one core: one at a time, and at the best batch size."""

    singly: float
    at_best: float


def network_in(folder: Path) -> tuple[nn.Sequential, Manifest]:
    """What a checkpoint's files hold."""
    manifest = Manifest.model_validate(json.loads((folder / "manifest.json").read_text()))
    network = architectures.build(
        manifest.architecture,
        activation=manifest.activation,
        image_size=manifest.image_size,
        classes=len(manifest.labels),
    )
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    return network.eval(), manifest


def measure(form: forms.Form, images: np.ndarray) -> Alone:
    """Of float32 images `(n, side, side)`."""
    rates = [_per_second(form, images, batch) for batch in BATCHES]
    return Alone(singly=rates[0], at_best=max(rates))


def _per_second(form: forms.Form, images: np.ndarray, batch: int) -> float:
    form.run(images[:batch])
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        start = done % (len(images) - batch + 1)
        form.run(images[start : start + batch])
        done += batch
    return done / (time.perf_counter() - began)
