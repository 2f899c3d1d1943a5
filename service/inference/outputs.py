"""What a network says of images, as the tensors that the Open Inference Protocol asks for by name."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from service.domain.open_inference import DIGIT, LOGITS, PROBABILITIES
from service.inference.models import Model
from service.inference.predict import RUN_AT_ONCE, logits_of

if TYPE_CHECKING:
    import torch

DATATYPES = {LOGITS: "FP32", PROBABILITIES: "FP32", DIGIT: "INT64"}


def of(model: Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """All of them for float32 images `(n, side, side)` in 0..255, which are changed by it."""
    import torch

    logits = torch.cat([*_in_parts(model, images)])
    return {
        LOGITS: logits.numpy(),
        PROBABILITIES: logits.softmax(1).numpy(),
        DIGIT: logits.argmax(1).numpy(),
    }


def _in_parts(model: Model, images: np.ndarray) -> Iterator["torch.Tensor"]:
    for start in range(0, len(images), RUN_AT_ONCE):
        yield logits_of(model, images[start : start + RUN_AT_ONCE])
