"""Splits, their resizing and the numbers they are standardised by."""

import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from service.datasets import Dataset, Split, standardisation


def noise(count: int, size: int, *, seed: int = 0) -> Split:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, size, size), generator=generator).to(torch.uint8)
    return Split(images=images, labels=torch.arange(count) % 10)


@pytest.mark.parametrize("size", [8, 16, 28, 32, 64])
def test_resizing_keeps_the_labels_and_gives_uint8_of_the_size_asked_for(size: int) -> None:
    split = noise(7, 28)
    resized = split.resized(size)
    assert resized.images.shape == (7, size, size)
    assert resized.images.dtype == torch.uint8
    assert torch.equal(resized.labels, split.labels)


def test_resizing_to_the_own_size_changes_nothing() -> None:
    split = noise(3, 16)
    assert split.resized(16) is split


@pytest.mark.parametrize("value", [0, 1, 77, 255])
@pytest.mark.parametrize("size", [8, 20, 64])
def test_an_even_grey_stays_that_grey(value: int, size: int) -> None:
    grey = Split(images=torch.full((1, 28, 28), value, dtype=torch.uint8), labels=torch.zeros(1, dtype=torch.int64))
    assert (grey.resized(size).images == value).all()


def test_shrinking_averages_instead_of_dropping_pixels() -> None:
    stripes = torch.zeros((1, 32, 32), dtype=torch.uint8)
    stripes[:, :, 1::4] = stripes[:, :, 2::4] = 200  # the two columns that plain interpolation would look at
    resized = Split(images=stripes, labels=torch.zeros(1, dtype=torch.int64)).resized(8)
    assert ((resized.images > 80) & (resized.images < 120)).all()


def test_an_image_is_resized_the_same_whatever_its_neighbours() -> None:
    split = noise(4100, 8)  # more than are resized at once
    together = split.resized(12).images
    for index in (0, 4095, 4096, 4099):
        part = slice(index, index + 1)
        assert torch.equal(
            Split(images=split.images[part], labels=split.labels[part]).resized(12).images, together[part]
        )


def test_a_data_set_resizes_both_splits() -> None:
    resized = Dataset(train=noise(2, 8), test=noise(1, 8)).resized(9)
    assert (resized.train.images.shape, resized.test.images.shape) == ((2, 9, 9), (1, 9, 9))


@pytest.mark.parametrize("size", [7, 65, 0, -1])
def test_a_size_outside_8_to_64_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=rf"image_size must be 8\.\.64, not {size}"):
        noise(1, 8).resized(size)


def test_a_split_of_the_wrong_types_or_shapes_is_refused() -> None:
    images, labels = torch.zeros((2, 8, 8), dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"images must be uint8 .*, not float32 \(2, 8, 8\)"):
        Split(images=images.float(), labels=labels)
    with pytest.raises(ValueError, match=r"not uint8 \(2, 64\)"):
        Split(images=images.flatten(1), labels=labels)
    with pytest.raises(ValueError, match=r"labels must be int64 \(2,\), not int64 \(1,\)"):
        Split(images=images, labels=labels[:1])
    with pytest.raises(ValueError, match=r"labels must be int64 \(2,\), not int32 \(2,\)"):
        Split(images=images, labels=labels.int())


@settings(deadline=None)
@given(st.lists(st.integers(0, 255), min_size=1, max_size=60))
def test_standardisation_is_the_mean_and_deviation_of_the_pixels(values: list[int]) -> None:
    mean, deviation = standardisation(torch.tensor(values, dtype=torch.uint8).reshape(1, 1, -1))
    assert mean == pytest.approx(statistics.fmean(values) / 255, abs=5.1e-5)
    if len(set(values)) > 1:
        assert deviation == pytest.approx(statistics.pstdev(values) / 255, abs=5.1e-5)
    else:
        assert deviation == 1.0
    assert (mean, deviation) == (round(mean, 4), round(deviation, 4))


def test_standardisation_does_not_drift_over_many_pixels() -> None:
    images = torch.full((40_000, 28, 28), 255, dtype=torch.uint8)
    images[::2] = 0
    assert standardisation(images) == (0.5, 0.5)


def test_standardisation_of_no_images_is_refused() -> None:
    with pytest.raises(ValueError, match="no images"):
        standardisation(torch.zeros((0, 8, 8), dtype=torch.uint8))
