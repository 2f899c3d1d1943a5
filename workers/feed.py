"""The batches of one epoch, in the epoch's own order: gathered a few thousand at a time, one slice a batch."""

import math
from collections.abc import Sequence

import torch

from service import datasets
from service.domain.spec import ExperimentSpec
from workers.augmentation import Augmentation, Batches
from workers.devices import sent
from workers.randomness import Purpose, generator
from workers.training_data import TrainingData

GATHERED = 4096
"""Images at once: their place is used again and again, as a fresh one for a whole epoch costs more than the copy."""

Runs = Sequence[tuple[TrainingData, ExperimentSpec, int]]


class Feed:
    """What runs learn from in one epoch; the same for the same spec and epoch, whatever happened before.

    The runs lie in a leading dimension: they have as many images, of the same size, and batches of the same size.
    """

    def __init__(self, runs: Runs) -> None:
        """Of each run its data, its spec and the epoch."""
        data, spec, _epoch = runs[0]
        self.images = len(data.train)
        self.steps = steps_per_epoch(self.images, spec.batch_size)
        self._batch_size = spec.batch_size
        self._labels = data.train.whole.labels.new_empty(len(runs), self.images)
        orders = _orders(runs)
        for (data, _spec, _epoch), order, own_labels in zip(runs, orders, self._labels, strict=True):
            torch.index_select(data.train.whole.labels, 0, order, out=own_labels)
        ready = data.standardised is not None and not spec.dataset.augmentation
        self._source: _Standardised | _Gathered = _Standardised(runs, orders) if ready else _Gathered(runs, orders)

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised images `(runs, batch, 1, height, width)`, labels `(runs, batch)`; the last may be smaller.

        The steps are to be asked for in their order: the chance of some augmentations is drawn as they come. The images
        are there until the next are asked for.
        """
        begin = step * self._batch_size
        part = slice(begin, min(begin + self._batch_size, self.images))
        return self._source.take(part), self._labels[:, part]


def _orders(runs: Runs) -> torch.Tensor:
    """Where the images of an epoch stand in the whole split: int64 `(runs, images)`."""
    shuffled = torch.stack(
        [
            torch.randperm(len(data.train), generator=generator(spec.seed, epoch=epoch, purpose=Purpose.SHUFFLE))
            for data, spec, epoch in runs
        ]
    )
    indices = torch.stack([data.train.indices for data, _spec, _epoch in runs])
    return indices.gather(1, sent(shuffled, indices.device))


class _Standardised:
    """Images of a small data set, which the worker keeps standardised: one gather a batch, for all runs together."""

    def __init__(self, runs: Runs, orders: torch.Tensor) -> None:
        table = runs[0][0].standardised
        assert table is not None  # noqa: S101  # that is when this class is taken
        self._rows, self._orders, self._shape = table.flatten(1), orders, table.shape[1:]
        self._place = table.new_empty(len(runs) * runs[0][1].batch_size, self._rows.shape[1])

    def take(self, part: slice) -> torch.Tensor:
        """As `Feed.batch`."""
        wanted = self._orders[:, part]
        place = self._place[: wanted.numel()]
        torch.index_select(self._rows, 0, wanted.reshape(-1), out=place)
        return place.view(*wanted.shape, *self._shape)


class _Gathered:
    """Images as they lie in the file, gathered a few thousand at a time, moved and standardised a batch at a time."""

    def __init__(self, runs: Runs, orders: torch.Tensor) -> None:
        data, spec, _epoch = runs[0]
        self._mean, self._std = data.mean, data.std
        self._sources = [data.train.whole.images for data, _spec, _epoch in runs]
        self._orders = orders
        first, self._images = self._sources[0], orders.shape[1]
        self._window = max(1, GATHERED // spec.batch_size) * spec.batch_size
        self._places = first.new_empty(len(runs), min(self._images, self._window), *first.shape[1:])
        self._from = -1
        batches = Batches(self._images, spec.batch_size, side=first.shape[-1], device=first.device)
        self._augmentations = [
            Augmentation(
                spec.dataset.augmentation, batches, generator(spec.seed, epoch=epoch, purpose=Purpose.AUGMENTATION)
            )
            for _data, spec, epoch in runs
            if spec.dataset.augmentation
        ]

    def take(self, part: slice) -> torch.Tensor:
        """As `Feed.batch`."""
        images = self._as_in_the_file(part)
        if self._augmentations:
            moved = [augment(own, part) for augment, own in zip(self._augmentations, images, strict=True)]
            images = torch.stack(moved) if len(moved) > 1 else moved[0].unsqueeze(0)
        standardised = datasets.standardise(images.flatten(0, 1), mean=self._mean, std=self._std)
        return standardised.view(*images.shape[:2], *standardised.shape[1:])

    def _as_in_the_file(self, part: slice) -> torch.Tensor:
        """uint8 `(runs, batch, height, width)`; those around them are gathered at once."""
        begin = part.start // self._window * self._window
        if begin != self._from:
            self._from = begin
            end = min(begin + self._window, self._images)
            for images, order, place in zip(self._sources, self._orders, self._places, strict=True):
                torch.index_select(images, 0, order[begin:end], out=place[: end - begin])
        return self._places[:, part.start - begin : part.stop - begin]


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Batches that an epoch consists of."""
    return math.ceil(images / batch_size)
