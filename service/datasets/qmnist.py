"""QMNIST: MNIST made again from the NIST originals, its lost test digits found.

The test split is the first 10,000 of QMNIST's 60,000 test images, those that stand for MNIST's own test images, so that
results compare with MNIST's. The framing is MNIST's.
"""

from pathlib import Path
from typing import Any

from service.datasets import _torchvision
from service.datasets._download import Archive
from service.datasets._tensors import Dataset
from service.domain.dataset import DatasetFacts, Framing

FACTS = DatasetFacts(
    title="QMNIST",
    description="A reconstruction of MNIST from the NIST originals; tested on the counterparts of MNIST's test images.",
    image_size=28,
    labels=tuple("0123456789"),
    train_images=60_000,
    test_images=10_000,
    framing=Framing(box=20, centre="mass"),
    source="Yadav, Bottou: Cold case: the lost MNIST digits, arXiv:1905.10498",
    bundled=False,
)


def load(*, data_dir: Path, mirror: str | None) -> Dataset:
    """60,000 and 10,000 images of 28x28."""
    return _torchvision.load("qmnist", _SOURCE, data_dir=data_dir, mirror=mirror)


def _archives(vision_class: Any) -> tuple[Archive, ...]:
    return tuple(
        _torchvision.archive_at(url, md5) for split in ("train", "test") for url, md5 in vision_class.resources[split]
    )


_SOURCE = _torchvision.Source(
    class_name="QMNIST",
    folder="QMNIST/raw",
    files=tuple(
        f"qmnist-{split}-{kind}" for split in ("train", "test") for kind in ("images-idx3-ubyte", "labels-idx2-int")
    ),
    archives=_archives,
    train={"what": "train"},
    test={"what": "test10k"},
)

FILES = _SOURCE.paths
