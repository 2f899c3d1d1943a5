"""The tensors that a run learns from and is judged by."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch

from service import datasets
from service.datasets import Dataset, Split
from service.domain.diagnostics import PROBE_IMAGES
from service.domain.spec import DatasetChoice
from workers.randomness import Purpose, seed_for

MOST_STANDARDISED_BYTES = 32 * 2**20
"""Of a training split as float32: one that is larger is standardised batch by batch, as it would leave the cache."""
MOST_STANDARDISED_BYTES_ON_A_GPU = 256 * 2**20
"""There a batch costs launches, of which this saves most. MNIST takes 188 MB."""
KEPT = 4
"""Data sets that a worker keeps at hand: to map MNIST again and check it takes 14 ms."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of a split; none is copied before they are asked for."""

    whole: Split
    indices: torch.Tensor
    """int64 `(n,)`."""

    def __len__(self) -> int:
        return len(self.indices)

    def taken(self) -> Split:
        """A copy of them."""
        return Split(
            images=self.whole.images.index_select(0, self.indices),
            labels=self.whole.labels.index_select(0, self.indices),
        )

    def to(self, device: torch.device) -> "Part":
        """The same on a device, where runs of one data set share the whole split."""
        return Part(whole=_resident(self.whole, device), indices=self.indices.to(device))


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Three splits that share no image, and the two numbers that images are standardised with."""

    train: Part
    validation: Split
    validation_indices: torch.Tensor
    """Where the validation images stand in the training split: int64 `(n,)`."""
    test: Split
    mean: float
    std: float
    standardised: torch.Tensor | None = None
    """The training split as networks see it, float32 `(n, 1, height, width)`, where it is small."""

    @cached_property
    def probe(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised images `(n, 1, height, width)` that every run of the data set shares, and their labels.

        The first of each class in the whole training split, then the second of each, and so on: `workers/probe.py`
        says why.
        """
        labels = self.train.whole.labels
        by_class = [(labels == each).nonzero().flatten()[:PROBE_IMAGES] for each in range(int(labels.max()) + 1)]
        turns = torch.cat([torch.arange(len(places), device=labels.device) for places in by_class])
        order = turns.argsort(stable=True)[:PROBE_IMAGES]
        taken = Part(self.train.whole, torch.cat(by_class)[order]).taken()
        return datasets.standardise(taken.images, mean=self.mean, std=self.std), taken.labels

    def to(self, device: torch.device) -> "TrainingData":
        """The same on a device."""
        if device.type == "cpu":
            return self
        train = self.train.to(device)
        return TrainingData(
            train=train,
            validation=_to(self.validation, device),
            validation_indices=self.validation_indices,
            test=_resident(self.test, device),
            mean=self.mean,
            std=self.std,
            standardised=_standardised(train.whole, self.mean, self.std, MOST_STANDARDISED_BYTES_ON_A_GPU),
        )


def prepare(
    choice: DatasetChoice, *, seed: int, data_dir: Path, mirror: str | None, cache_dir: Path | None = None
) -> TrainingData:
    """Load the data set, or take the one at hand, and divide its training split.

    `DatasetUnavailableError` where it is not there and cannot be fetched. The standardisation is that of the whole
    training split, so that it does not depend on the seed.
    """
    dataset = _load(choice.name, choice.image_size, data_dir, mirror, cache_dir)
    mean, std = dataset.standardisation
    training, validation = datasets.stratified_split(
        dataset.train.labels,
        fraction=choice.validation_fraction,
        seed=seed_for(seed, epoch=0, purpose=Purpose.SPLIT),
        train_size=choice.train_size,
    )
    return TrainingData(
        train=Part(dataset.train, training),
        validation=Part(dataset.train, validation).taken(),
        validation_indices=validation,
        test=dataset.test,
        mean=mean,
        std=std,
        standardised=_standardised(dataset.train, mean, std, MOST_STANDARDISED_BYTES),
    )


@lru_cache(maxsize=KEPT)
def _standardised(split: Split, mean: float, std: float, most_bytes: int) -> torch.Tensor | None:
    if split.images.numel() * torch.float32.itemsize > most_bytes:
        return None
    return datasets.standardise(split.images, mean=mean, std=std)


@lru_cache(maxsize=KEPT)
def _load(name: str, image_size: int | None, data_dir: Path, mirror: str | None, cache_dir: Path | None) -> Dataset:
    return datasets.load(name, data_dir=data_dir, mirror=mirror, image_size=image_size, cache_dir=cache_dir)


@lru_cache(maxsize=2 * KEPT)
def _resident(split: Split, device: torch.device) -> Split:
    """A data set's own split, copied to the device once."""
    return _to(split, device)


def _to(split: Split, device: torch.device) -> Split:
    return Split(images=split.images.to(device), labels=split.labels.to(device))
