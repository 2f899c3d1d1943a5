"""MNIST and USPS as they are."""

from pathlib import Path

import pytest
import torch

from service import datasets
from service.datasets import Dataset

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def mnist(real_data_dir: Path) -> Dataset:
    return datasets.load("mnist", data_dir=real_data_dir)


@pytest.fixture(scope="module")
def usps(real_data_dir: Path) -> Dataset:
    return datasets.load("usps", data_dir=real_data_dir)


def ink_extents(images: torch.Tensor) -> torch.Tensor:
    """First and last row and column with ink, `(n, 4)`: top, bottom, left, right."""
    height, width = images.shape[1:]
    rows, columns = (images.amax(dim=2) > 0).int(), (images.amax(dim=1) > 0).int()
    return torch.stack(
        [
            rows.argmax(dim=1),
            height - 1 - rows.flip(1).argmax(dim=1),
            columns.argmax(dim=1),
            width - 1 - columns.flip(1).argmax(dim=1),
        ],
        dim=1,
    ).float()


@pytest.mark.parametrize("name", ["mnist", "usps"])
def test_it_holds_what_its_facts_say(name: str, request: pytest.FixtureRequest) -> None:
    facts, dataset = datasets.facts(name), request.getfixturevalue(name)
    assert dataset.train.images.shape == (facts.train_images, facts.image_size, facts.image_size)
    assert dataset.test.images.shape == (facts.test_images, facts.image_size, facts.image_size)
    assert dataset.train.images.max() == dataset.test.images.max() == 255


def test_mnist_is_standardised_by_the_numbers_everyone_knows(mnist: Dataset) -> None:
    assert datasets.standardisation(mnist.train.images) == (0.1307, 0.3081)


def test_mnist_has_its_known_class_counts(mnist: Dataset) -> None:
    assert torch.bincount(mnist.train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert torch.bincount(mnist.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_usps_has_its_known_class_counts(usps: Dataset) -> None:
    assert torch.bincount(usps.train.labels).tolist() == [1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644]
    assert torch.bincount(usps.test.labels).tolist() == [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]


def test_mnist_is_framed_by_a_box_of_20_and_the_centre_of_mass(mnist: Dataset) -> None:
    images = mnist.train.images[:10_000]
    top, bottom, left, right = ink_extents(images).T
    longer = torch.maximum(bottom - top, right - left) + 1
    assert datasets.facts("mnist").framing.box == longer.max() == 20
    mass = images.sum(dim=(1, 2))
    middle = (images.sum(dim=2) * torch.arange(28)).sum(dim=1) / mass
    assert middle.mean().item() == pytest.approx(14.0, abs=0.02)
    assert middle.std() < 0.3 < (top + bottom).div(2).std()


def test_usps_is_framed_by_the_whole_image_and_the_middle_of_the_box(usps: Dataset) -> None:
    top, bottom, left, right = ink_extents(usps.train.images).T
    longer = torch.maximum(bottom - top, right - left) + 1
    assert datasets.facts("usps").framing.box == longer.min() == longer.max() == 16
    assert (top + bottom).div(2).mean().item() == pytest.approx(7.5, abs=0.01)
    assert (left + right).div(2).std() < 0.05


def test_reading_real_data_leaves_the_folder_as_it_was(real_data_dir: Path) -> None:
    before = sorted(real_data_dir.rglob("*"))
    datasets.load("mnist", data_dir=real_data_dir)
    assert sorted(real_data_dir.rglob("*")) == before
