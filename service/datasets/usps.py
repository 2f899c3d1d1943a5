"""USPS: digits of the postcodes on envelopes at the Buffalo post office.

The digit, its aspect ratio kept, was scaled to fill the 16x16 image. Measured on the training images (grey values
above 0): the longer side of the ink is 16 pixels in all 7,291 (the height in 94 % of them), and the middle of its
bounding box is the middle of the image (deviation 0.03 pixels), while the centre of mass strays by a pixel.
"""

from pathlib import Path
from typing import Any

from service.datasets import _torchvision
from service.datasets._download import Archive
from service.datasets._tensors import Dataset
from service.domain.dataset import DatasetFacts, Framing

FACTS = DatasetFacts(
    title="USPS",
    description="Digits from postcodes on United States mail, scaled to fill 16x16; the test images are hard ones.",
    image_size=16,
    labels=tuple("0123456789"),
    train_images=7_291,
    test_images=2_007,
    framing=Framing(box=16, centre="box"),
    source="Hull: A database for handwritten text recognition research, IEEE Trans. PAMI 16(5), 1994",
    bundled=False,
)


def load(*, data_dir: Path, mirror: str | None) -> Dataset:
    """7,291 and 2,007 images of 16x16."""
    return _torchvision.load("usps", _SOURCE, data_dir=data_dir, mirror=mirror)


def _archives(vision_class: Any) -> tuple[Archive, ...]:
    return tuple(Archive(name=name, md5=md5, urls=(url,)) for url, name, md5 in vision_class.split_list.values())


_SOURCE = _torchvision.Source(
    class_name="USPS",
    root="USPS",
    folder="USPS",
    files=("usps.bz2", "usps.t.bz2"),
    archives=_archives,
    train={"train": True},
    test={"train": False},
)

FILES = _SOURCE.paths
