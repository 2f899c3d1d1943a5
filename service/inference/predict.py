"""Pictures in, predictions out."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from service import datasets
from service.domain.manifest import Manifest
from service.domain.prediction import Prediction, Preprocessing
from service.inference.decode import Picture
from service.inference.models import Model
from service.inference.numbers import listed
from service.inference.preprocessing import frame

if TYPE_CHECKING:
    import torch

Framed = tuple[np.ndarray, Preprocessing]
"""An image as the network's own were, `(height, width)`, and what was done to it."""


def predictions_of(logits: np.ndarray, images: Sequence[Framed], manifest: Manifest) -> Iterator[Prediction]:
    """What logits `(n, classes)` say of `n` images, in their order."""
    probabilities = softmax(logits)
    rows = zip(listed(logits), listed(probabilities), logits.argmax(1).tolist(), images, strict=True)
    for values, shares, best, (_, done) in rows:
        yield _prediction(values, shares, best, labels=manifest.labels, preprocessing=done)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Of each row."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite stays so, and is told as null
        powers = np.exp(logits - logits.max(1, keepdims=True))
        shares: np.ndarray = powers / powers.sum(1, keepdims=True)
    return shares


def framed(picture: Picture, manifest: Manifest) -> Framed:
    """The picture as this network's training images were, and what was done to it; as `preprocessing.frame`."""
    return frame(
        picture.pixels,
        image_size=manifest.image_size,
        native_size=manifest.native_size,
        framing=manifest.framing,
        reduction=picture.reduction,
    )


def prediction(logits: "torch.Tensor", *, labels: tuple[str, ...], preprocessing: Preprocessing) -> Prediction:
    """What the logits `(classes,)` of one image say."""
    probabilities, best = listed(logits.softmax(0).numpy()), int(logits.argmax())
    return _prediction(listed(logits.numpy()), probabilities, best, labels=labels, preprocessing=preprocessing)


def logits_of(model: Model, images: np.ndarray) -> "torch.Tensor":
    """`(batch, classes)` of images `(batch, height, width)` in 0..255, as in training to the bit."""
    import torch

    with torch.inference_mode():
        batch = datasets.standardise(torch.from_numpy(images), mean=model.manifest.mean, std=model.manifest.std)
        logits: torch.Tensor = model.network(batch)
        return logits


def _prediction(
    logits: list[float | None],
    probabilities: list[float | None],
    best: int,
    *,
    labels: tuple[str, ...],
    preprocessing: Preprocessing,
) -> Prediction:
    return Prediction(
        digit=best,
        label=labels[best],
        confidence=probabilities[best],
        probabilities=tuple(probabilities),
        logits=tuple(logits),
        preprocessing=preprocessing,
    )
