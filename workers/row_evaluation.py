"""Validation of dense networks that stand in a stack: all of them at once."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch.nn import functional

from service import datasets
from workers import team
from workers.dense import DenseStack
from workers.devices import accurate
from workers.evaluation import Evaluation
from workers.training_data import TrainingData

WIDEST_VALUES = 64 * 2**20
"""Of one layer's outputs, or the images, of all places together, so many at once."""
FEWEST_AT_ONCE = 64


class StackEvaluation:
    """Each network has its own images, as many as the others; empty places judge zeros."""

    def __init__(self, stack: DenseStack, data: Sequence[TrainingData], *, label_smoothing: float) -> None:
        self._stack, self._smoothing = stack.in_evaluation(), label_smoothing
        self._mean, self._std = data[0].mean, data[0].std
        self._images = torch.stack([each.validation.images for each in data])
        self._labels = torch.stack([each.validation.labels for each in data])
        places, pixels = len(stack.parameters), self._images[0, 0].numel()
        widest = max(pixels, *(layer.weight.shape[1] for layer in stack.layers))
        self._at_once = min(max(WIDEST_VALUES // (places * widest), FEWEST_AT_ONCE), self._labels.shape[1])
        self._inputs = stack.parameters.new_zeros(places, self._at_once, pixels)

    @torch.inference_mode()
    def judge(self) -> list[Evaluation]:
        """The networks as they are; the processor waits for the device once."""
        sums = torch.stack(list(self._sums())).sum(0)
        images = self._labels.shape[1]
        return [
            Evaluation(loss=loss / images if math.isfinite(loss) else None, accuracy=hits / images)
            for loss, hits in sums.tolist()
        ]

    def _sums(self) -> Iterator[torch.Tensor]:
        """Of a stretch of the images: losses and hits, `(networks, 2)`."""
        networks, images = self._labels.shape
        kind = accurate(self._labels.device)
        for part in team.divided(images, self._at_once):
            given, labels = self._images[:, part], self._labels[:, part]
            inputs = self._inputs[:, : labels.shape[1]]
            standardised = datasets.standardise(given.flatten(0, 1), mean=self._mean, std=self._std)
            inputs[:networks].copy_(standardised.view(*labels.shape, -1))
            logits = self._stack.logits(inputs)[:networks]
            losses = functional.cross_entropy(logits, labels, label_smoothing=self._smoothing, reduction="none")
            hits = (logits.argmax(1) == labels).sum(1)
            yield torch.stack([losses.sum(1, dtype=kind), hits.to(kind)], 1)
