"""The validation part of a training split."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from service.datasets import stratified_split
from service.errors import ArdoiseError

class_sizes = st.lists(st.integers(0, 40), min_size=1, max_size=10)
fractions = st.integers(1, 50).map(lambda percent: percent / 100)
seeds = st.integers(0, 2**63 - 1)


def labels_of(sizes: list[int]) -> torch.Tensor:
    """Classes in turns rather than in blocks."""
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    return labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(5))]


@settings(deadline=None, max_examples=60)
@given(sizes=class_sizes.filter(lambda sizes: max(sizes) > 1), fraction=fractions, seed=seeds)
def test_the_parts_name_every_image_once_and_every_class_in_proportion(
    sizes: list[int], fraction: float, seed: int
) -> None:
    labels = labels_of(sizes)
    train, validation = stratified_split(labels, fraction=fraction, seed=seed)
    assert train.dtype == validation.dtype == torch.int64
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(len(labels)))
    taken = Counter(labels[validation].tolist())
    for label, size in enumerate(sizes):
        if size > 1:
            assert 1 <= taken[label] <= size - 1
            assert abs(taken[label] - fraction * size) <= 1
        else:
            assert taken[label] == 0


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(20, 60), min_size=2, max_size=10), fraction=fractions, seed=seeds)
def test_validation_is_as_large_as_asked_where_no_class_is_tiny(sizes: list[int], fraction: float, seed: int) -> None:
    _, validation = stratified_split(labels_of(sizes), fraction=fraction, seed=seed)
    expected = max(fraction * sum(sizes), len(sizes))
    assert len(validation) == pytest.approx(expected, abs=len(sizes) if fraction < 0.05 else 0.5 + 1e-9)


@settings(deadline=None, max_examples=30)
@given(fraction=fractions, seed=seeds, train_size=st.integers(1, 50))
def test_a_train_size_keeps_the_first_and_leaves_validation_alone(fraction: float, seed: int, train_size: int) -> None:
    labels = labels_of([10] * 10)
    train, validation = stratified_split(labels, fraction=fraction, seed=seed)
    fewer, same = stratified_split(labels, fraction=fraction, seed=seed, train_size=train_size)
    assert torch.equal(fewer, train[:train_size])
    assert torch.equal(same, validation)


def test_the_seed_alone_decides() -> None:
    labels = labels_of([50] * 10)
    torch.manual_seed(1)
    first = stratified_split(labels, fraction=0.1, seed=3)
    torch.manual_seed(2)
    again = stratified_split(labels, fraction=0.1, seed=3)
    other = stratified_split(labels, fraction=0.1, seed=4)
    for part, repeated, different in zip(first, again, other, strict=True):
        assert torch.equal(part, repeated)
        assert not torch.equal(part, different)


def test_a_small_train_size_is_drawn_evenly_from_the_classes() -> None:
    labels = labels_of([200] * 9 + [20])
    counts = torch.zeros(10)
    for seed in range(200):
        train, _ = stratified_split(labels, fraction=0.5, seed=seed, train_size=10)
        counts += torch.bincount(labels[train], minlength=10)
    share = (counts / counts.sum()).tolist()
    assert share[:9] == pytest.approx([10 / 91] * 9, abs=0.03)
    assert share[9] == pytest.approx(1 / 91, abs=0.009)


def test_a_decimal_fraction_is_taken_as_it_is_written() -> None:
    _, validation = stratified_split(torch.zeros(10, dtype=torch.int64), fraction=0.35, seed=0)
    assert len(validation) == 4  # 3.5 to the even neighbour; the float nearest to 0.35 lies below it


def test_the_largest_remainders_get_what_rounding_down_left() -> None:
    labels = labels_of([16, 14, 10])  # of 10 %: 1.6, 1.4 and 1.0, together 4
    _, validation = stratified_split(labels, fraction=0.1, seed=0)
    assert torch.bincount(labels[validation]).tolist() == [2, 1, 1]


@pytest.mark.parametrize("train_size", [91, 0, -1])
def test_a_train_size_that_cannot_be_had_is_refused_with_what_can(train_size: int) -> None:
    with pytest.raises(ArdoiseError, match=rf"train_size must be 1\.\.90, not {train_size}: of 100 images"):
        stratified_split(labels_of([10] * 10), fraction=0.1, seed=0, train_size=train_size)


@pytest.mark.parametrize("sizes", [[0], [1], [1, 1, 1]])
def test_a_part_without_images_is_refused(sizes: list[int]) -> None:
    with pytest.raises(ArdoiseError, match=rf"{sum(sizes)} images cannot be divided with validation_fraction 0\.1"):
        stratified_split(labels_of(sizes), fraction=0.1, seed=0)
