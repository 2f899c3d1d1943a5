"""Fashion-MNIST: articles of clothing in MNIST's format, as a harder drop-in.

Section 2 of the paper: the picture is trimmed, its longer edge scaled to 28 pixels, the shorter one padded so that the
article stands in the middle, and the grey values are negated.
"""

from pathlib import Path

from service.datasets import _torchvision
from service.datasets._tensors import Dataset
from service.domain.dataset import DatasetFacts, Framing

FACTS = DatasetFacts(
    title="Fashion-MNIST",
    description="Ten kinds of clothing from a shop's product photographs, in the format and sizes of MNIST.",
    image_size=28,
    labels=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    train_images=60_000,
    test_images=10_000,
    framing=Framing(box=28, centre="box"),
    source="Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv:1708.07747",
    bundled=False,
)

_SOURCE = _torchvision.idx_source("FashionMNIST")
FILES = _SOURCE.paths


def load(*, data_dir: Path, mirror: str | None) -> Dataset:
    """60,000 and 10,000 images of 28x28."""
    return _torchvision.load("fashion_mnist", _SOURCE, data_dir=data_dir, mirror=mirror)
