"""The batches of one epoch, in the epoch's own order: gathered a few thousand at a time, one slice a batch."""

import math
from collections.abc import Sequence

import torch

from service import datasets
from service.domain.spec import ExperimentSpec
from workers.augmentation import Augmentation, Batches
from workers.randomness import Purpose, generator
from workers.training_data import TrainingData

GATHERED = 4096
"""Images at once: their place is used again and again, as a fresh one for a whole epoch costs more than the copy."""


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
        first = data.train.whole.images
        self._window = max(1, GATHERED // spec.batch_size) * spec.batch_size
        self._gathered = first.new_empty(len(runs), min(self.images, self._window), *first.shape[1:])
        self._gathered_from = -1
        self._labels = data.train.whole.labels.new_empty(len(runs), self.images)
        batches = Batches(self.images, spec.batch_size, side=first.shape[-1], device=first.device)
        self._orders: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._augmentations: list[Augmentation] = []
        for (data, spec, epoch), own_labels in zip(runs, self._labels, strict=True):
            shuffle = generator(spec.seed, epoch=epoch, purpose=Purpose.SHUFFLE)
            order = data.train.indices[torch.randperm(self.images, generator=shuffle).to(first.device)]
            torch.index_select(data.train.whole.labels, 0, order, out=own_labels)
            self._orders.append((data.train.whole.images, order))
            if spec.dataset.augmentation:
                chance = generator(spec.seed, epoch=epoch, purpose=Purpose.AUGMENTATION)
                self._augmentations.append(Augmentation(spec.dataset.augmentation, batches, chance))

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised images `(runs, batch, 1, height, width)`, labels `(runs, batch)`; the last may be smaller.

        The steps are to be asked for in their order: the chance of some augmentations is drawn as they come.
        """
        begin = step * self._batch_size
        part = slice(begin, min(begin + self._batch_size, self.images))
        images = self._images(part)
        if self._augmentations:
            moved = [augment(own, part) for augment, own in zip(self._augmentations, images, strict=True)]
            images = torch.stack(moved) if len(moved) > 1 else moved[0].unsqueeze(0)
        standardised = datasets.standardise(images.flatten(0, 1), mean=self._mean, std=self._std)
        return standardised.view(*images.shape[:2], *standardised.shape[1:]), self._labels[:, part]

    def _images(self, part: slice) -> torch.Tensor:
        """As they lie in the file, uint8 `(runs, batch, height, width)`; those around them are gathered at once."""
        begin = part.start // self._window * self._window
        if begin != self._gathered_from:
            self._gathered_from = begin
            end = min(begin + self._window, self.images)
            for (images, order), place in zip(self._orders, self._gathered, strict=True):
                torch.index_select(images, 0, order[begin:end], out=place[: end - begin])
        return self._gathered[:, part.start - begin : part.stop - begin]


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Batches that an epoch consists of."""
    return math.ceil(images / batch_size)
