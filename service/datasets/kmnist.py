"""Kuzushiji-MNIST: cursive hiragana of old Japanese books in MNIST's format.

The characters are cut out by their bounding boxes and scaled to the whole image, so a framing of 28 about the middle of
the box is the nearest.
"""

from pathlib import Path

from service.datasets import _torchvision
from service.datasets._tensors import Dataset
from service.domain.dataset import DatasetFacts, Framing

FACTS = DatasetFacts(
    title="Kuzushiji-MNIST",
    description="Ten cursive hiragana, one of each row of the syllabary, cut from classical Japanese books.",
    image_size=28,
    labels=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    train_images=60_000,
    test_images=10_000,
    framing=Framing(box=28, centre="box"),
    source="Clanuwat et al.: Deep learning for classical Japanese literature, arXiv:1812.01718",
    bundled=False,
)

_SOURCE = _torchvision.idx_source("KMNIST")
FILES = _SOURCE.paths


def load(*, data_dir: Path, mirror: str | None) -> Dataset:
    """60,000 and 10,000 images of 28x28."""
    return _torchvision.load("kmnist", _SOURCE, data_dir=data_dir, mirror=mirror)
