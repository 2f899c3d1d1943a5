"""MNIST: digits of clerks and pupils, the field's common yardstick.

The digit, its aspect ratio kept, was scaled to fit 20x20 pixels, and its centre of mass put into the middle of 28x28.
Measured on the training images: the longer side of the ink is 20 pixels in 59,987 of 60,000; the centre of mass lies,
in both directions, at pixel index 14.0 on average with a deviation of 0.3, half a pixel beyond the exact middle 13.5.
"""

from pathlib import Path

from service.datasets import _torchvision
from service.datasets._tensors import Dataset
from service.domain.dataset import DatasetFacts, Framing

FACTS = DatasetFacts(
    title="MNIST",
    description="Digits written by census employees and high-school pupils, scaled to 20x20 and centred by mass.",
    image_size=28,
    labels=tuple("0123456789"),
    train_images=60_000,
    test_images=10_000,
    framing=Framing(box=20, centre="mass"),
    source="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, Proc. IEEE 1998",
    bundled=False,
)

_SOURCE = _torchvision.idx_source("MNIST")
FILES = _SOURCE.paths


def load(*, data_dir: Path, mirror: str | None) -> Dataset:
    """60,000 and 10,000 images of 28x28."""
    return _torchvision.load("mnist", _SOURCE, data_dir=data_dir, mirror=mirror)
