"""The batches of one epoch, in the epoch's own order: one gather an epoch, one slice a batch."""

import math
from collections.abc import Sequence

import torch

from service import datasets
from service.domain.spec import ExperimentSpec
from workers.augmentation import Augmentation, Batches
from workers.randomness import Purpose, generator
from workers.training_data import TrainingData


class Feed:
    """What runs learn from in one epoch; the same for the same spec and epoch, whatever happened before.

    The runs lie in a leading dimension: they have as many images, of the same size, and batches of the same size.
    """

    def __init__(self, runs: Sequence[tuple[TrainingData, ExperimentSpec, int]]) -> None:
        """Of each run its data, its spec and the epoch."""
        data, spec, _epoch = runs[0]
        self.images = len(data.train)
        self.steps = steps_per_epoch(self.images, spec.batch_size)
        self._mean, self._std = data.mean, data.std
        self._batch_size = spec.batch_size
        images, labels = data.train.whole.images, data.train.whole.labels
        self._images = images.new_empty(len(runs), self.images, *images.shape[1:])
        self._labels = labels.new_empty(len(runs), self.images)
        batches = Batches(self.images, spec.batch_size, side=images.shape[-1], device=images.device)
        self._augmentations: list[Augmentation] = []
        for (data, spec, epoch), own_images, own_labels in zip(runs, self._images, self._labels, strict=True):
            shuffle = generator(spec.seed, epoch=epoch, purpose=Purpose.SHUFFLE)
            order = torch.randperm(self.images, generator=shuffle).to(images.device)
            data.train.take(order, images=own_images, labels=own_labels)
            if spec.dataset.augmentation:
                chance = generator(spec.seed, epoch=epoch, purpose=Purpose.AUGMENTATION)
                self._augmentations.append(Augmentation(spec.dataset.augmentation, batches, chance))

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised images `(runs, batch, 1, height, width)`, labels `(runs, batch)`; the last may be smaller.

        The steps are to be asked for in their order: the chance of some augmentations is drawn as they come.
        """
        part = slice(step * self._batch_size, (step + 1) * self._batch_size)
        images = self._images[:, part]
        if self._augmentations:
            moved = [augment(own, part) for augment, own in zip(self._augmentations, images, strict=True)]
            images = torch.stack(moved) if len(moved) > 1 else moved[0].unsqueeze(0)
        standardised = datasets.standardise(images.flatten(0, 1), mean=self._mean, std=self._std)
        return standardised.view(*images.shape[:2], *standardised.shape[1:]), self._labels[:, part]


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Batches that an epoch consists of."""
    return math.ceil(images / batch_size)
