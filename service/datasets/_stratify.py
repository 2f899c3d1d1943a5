"""Validation images: a stratified part of the training split."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from service.errors import ArdoiseError

if TYPE_CHECKING:
    import torch


def stratified_split(
    labels: "torch.Tensor", *, fraction: float, seed: int, train_size: int | None = None
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Indices `(training, validation)`, int64, that together name every image once; all chance comes from `seed`.

    Validation is `fraction` of the images, rounded, each class in proportion (see `quotas`), in the order of the data
    set. Training is the rest, shuffled, of which `train_size` keeps the first: validation does not depend on it.

    `labels`: int64 `(n,)`, from 0. ArdoiseError where one of the two would be empty or `train_size` is not 1 to what is
    left for training.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    # Two permutations: in what one of them leaves over, classes that filled their quota early would come first.
    drawn = torch.randperm(len(labels), generator=generator)
    sizes = torch.bincount(labels).tolist()
    by_class = torch.split(drawn[torch.argsort(labels[drawn], stable=True)], sizes)
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for images, quota in zip(by_class, quotas(sizes, fraction=fraction), strict=True):
        chosen[images[:quota]] = True
    validation = chosen.nonzero().flatten()
    rest = (~chosen).nonzero().flatten()
    train = rest[torch.randperm(len(rest), generator=generator)]

    if not len(train) or not len(validation):
        raise ArdoiseError(
            f"{len(labels)} images cannot be divided with validation_fraction {fraction}: "
            f"{len(train)} would be left for training and {len(validation)} for validation"
        )
    if train_size is not None and not 1 <= train_size <= len(train):
        raise ArdoiseError(
            f"train_size must be 1..{len(train)}, not {train_size}: of {len(labels)} images, "
            f"validation takes {len(validation)}"
        )
    return train[:train_size], validation


def quotas(class_sizes: Sequence[int], *, fraction: float) -> list[int]:
    """Validation images of each class: its share of the rounded total, by largest remainder.

    A class of two images or more has at least one on either side; a class of one keeps it for training.
    """
    part = Fraction(str(fraction))  # the decimal that was written: 0.35 of 10 is 3.5, and not less
    shares = [size * part for size in class_sizes]
    limits = [max(size - 1, 0) for size in class_sizes]
    result = [min(max(int(share), 1), limit) for share, limit in zip(shares, limits, strict=True)]
    missing = round(sum(class_sizes) * part) - sum(result)
    by_remainder = sorted(range(len(shares)), key=lambda label: result[label] - shares[label])
    for label in by_remainder:
        if missing > 0 and result[label] < limits[label]:
            result[label] += 1
            missing -= 1
    return result
