"""The UCI optical digits that scikit-learn brings along: the one real data set that needs no download.

The makers scaled the digit to fill a bitmap of 32x32 and counted the ink in blocks of 4x4, hence 8x8 pixels of 0..16.
Measured on all 1,797 images: the ink is 8 pixels high in every one and mostly 6 wide (at most 8), the middle of its
bounding box within 0.1 pixels of the middle of the image on average (deviation 0.3 across, 0 down).

There is no division into training and test images, so it is made here: of each class, in the order of the file, every
fifth image is a test image.
"""

from pathlib import Path

from service.datasets._tensors import Dataset, Split
from service.domain.dataset import DatasetFacts, Framing

FACTS = DatasetFacts(
    title="UCI optical digits",
    description="1,797 small digits of 13 writers; every fifth image of each class is a test image.",
    image_size=8,
    labels=tuple("0123456789"),
    train_images=1_442,
    test_images=355,
    framing=Framing(box=8, centre="box"),
    source="Alpaydin, Kaynak: Cascading classifiers, Kybernetika 34(4), 1998; UCI Machine Learning Repository",
    bundled=True,
)
FILES = ()


def load(*, data_dir: Path, mirror: str | None) -> Dataset:  # noqa: ARG001  # it needs neither: it is bundled
    """1,442 and 355 images of 8x8, in the order of the file; 16 becomes 255."""
    import torch
    from sklearn.datasets import load_digits

    bundled = load_digits()
    images = torch.as_tensor(bundled.images).mul(255 / 16).round().to(torch.uint8)
    labels = torch.as_tensor(bundled.target, dtype=torch.int64)
    is_test = torch.zeros(len(labels), dtype=torch.bool)
    for label in range(10):
        is_test[(labels == label).nonzero().flatten()[4::5]] = True
    return Dataset(
        train=Split(images=images[~is_test], labels=labels[~is_test]),
        test=Split(images=images[is_test], labels=labels[is_test]),
    )
