"""EMNIST's digits: four times MNIST, every digit equally often.

Figure 1 of the paper: the digit, its aspect ratio kept, stands in the middle of a square with a border of 2 pixels,
hence a box of 24 about the middle of its bounding box. The download is the whole of EMNIST (0.6 GB, and 2 GB more until
it is unpacked); the archive and the digits are kept.
"""

from pathlib import Path
from typing import Any

from service.datasets import _torchvision
from service.datasets._download import Archive
from service.datasets._tensors import Dataset, Split
from service.domain.dataset import DatasetFacts, Framing

FACTS = DatasetFacts(
    title="EMNIST Digits",
    description="280,000 digits from NIST Special Database 19, balanced over the classes; MNIST's writers and more.",
    image_size=28,
    labels=tuple("0123456789"),
    train_images=240_000,
    test_images=40_000,
    framing=Framing(box=24, centre="box"),
    source="Cohen, Afshar, Tapson, van Schaik: EMNIST: extending MNIST to handwritten letters, arXiv:1702.05373",
    bundled=False,
)


def load(*, data_dir: Path, mirror: str | None) -> Dataset:
    """240,000 and 40,000 images of 28x28, upright."""
    stored = _torchvision.load("emnist_digits", _SOURCE, data_dir=data_dir, mirror=mirror)
    return Dataset(train=_upright(stored.train), test=_upright(stored.test))


def _upright(split: Split) -> Split:
    """EMNIST's files hold each image column by column; torchvision hands it out that way, mirrored at the diagonal."""
    return Split(images=split.images.transpose(1, 2).contiguous(), labels=split.labels)


def _archives(vision_class: Any) -> tuple[Archive, ...]:
    return (_torchvision.archive_at(vision_class.url, vision_class.md5),)


_SOURCE = _torchvision.Source(
    class_name="EMNIST",
    folder="EMNIST/raw",
    files=tuple(
        f"emnist-digits-{split}-{kind}-ubyte" for split in ("train", "test") for kind in ("images-idx3", "labels-idx1")
    ),
    archives=_archives,
    train={"split": "digits", "train": True},
    test={"split": "digits", "train": False},
)

FILES = _SOURCE.paths
