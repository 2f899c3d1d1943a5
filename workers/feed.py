"""The batches of one epoch, in the epoch's own order: one gather an epoch, one slice a batch."""

import math

import torch

from service import datasets
from service.domain.spec import ExperimentSpec
from workers.randomness import Purpose, generator
from workers.training_data import TrainingData


class Feed:
    """What one run learns from in one epoch; the same for the same spec and epoch, whatever happened before."""

    def __init__(self, data: TrainingData, spec: ExperimentSpec, *, epoch: int) -> None:
        order = torch.randperm(
            len(data.train), generator=generator(spec.seed, epoch=epoch, purpose=Purpose.SHUFFLE)
        ).to(data.train.indices.device)
        self._split = data.train.taken(order)
        self._mean, self._std = data.mean, data.std
        self._batch_size = spec.batch_size
        self.images = len(data.train)
        self.steps = steps_per_epoch(self.images, spec.batch_size)

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised images `(batch, 1, height, width)`, labels `(batch,)`; the last batch may be smaller."""
        part = slice(step * self._batch_size, (step + 1) * self._batch_size)
        images = datasets.standardise(self._split.images[part], mean=self._mean, std=self._std)
        return images, self._split.labels[part]


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Batches that an epoch consists of."""
    return math.ceil(images / batch_size)
