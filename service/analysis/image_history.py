"""How the reading of one image changes from epoch to epoch."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from service.analysis import finite, softmax
from service.domain.image_history import ImageAtEpoch


def readings(logits: np.ndarray, *, epochs: Sequence[int], label: int) -> tuple[ImageAtEpoch, ...]:
    """A reading an epoch, of logits `(epochs, classes)`."""
    probabilities = softmax.probabilities(logits)
    predictions = softmax.predictions(logits).tolist()
    losses = softmax.losses(logits, np.full(len(logits), label))
    return tuple(
        ImageAtEpoch(
            epoch=epoch,
            prediction=predictions[at],
            right=predictions[at] == label,
            confidence=finite.number(probabilities[at, predictions[at]]),
            loss=finite.number(losses[at]),
            probabilities=finite.numbers(probabilities[at]),
        )
        for at, epoch in enumerate(epochs)
    )


def learned_at(items: Sequence[ImageAtEpoch]) -> int | None:
    """The first epoch of those that, to the end, are right."""
    found = None
    for item in reversed(items):
        if not item.right:
            break
        found = item.epoch
    return found


def forgotten(items: Sequence[ImageAtEpoch]) -> int:
    """How often a right epoch is followed by a wrong one."""
    return sum(before.right and not after.right for before, after in pairwise(items))


def evenly_spaced(count: int, most: int) -> list[int]:
    """At most so many places of 0..count-1, the first and the last among them."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(count, most)).tolist()})
