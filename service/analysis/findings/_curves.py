"""The epoch rows as arrays, and what is robust to noise in them: medians, pairs, differences.

Validation is noisy and runs are short, so that nothing rests on a single epoch and nothing on a mean, which one epoch
can move as far as it likes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from service.domain.metrics import EpochMetrics

Values = NDArray[np.float64]

LARGEST = 1e30
"""Losses above it are taken for it, so that sums and squares of them stay finite."""
FULL_SHARE = 10
"""A smoothing window is an epoch in so many, at least 3 and at most `WIDEST`."""
WIDEST = 21
MOST_POINTS = 100
"""Of which all pairs are looked at; a longer curve is thinned to the medians of so many stretches."""
MAD_TO_SIGMA = 1.4826
"""Times the median absolute deviation: the standard deviation, where the values are normal."""


@dataclass(frozen=True)
class Curves:
    """One value an epoch each, in the order of the epochs; NaN where it was not finite."""

    epochs: NDArray[np.int64]
    train_loss: Values
    train_accuracy: Values
    val_loss: Values
    val_accuracy: Values
    learning_rate: Values

    @classmethod
    def of(cls, rows: Sequence[EpochMetrics]) -> Self:
        """Of rows in whatever order."""
        rows = sorted(rows, key=lambda row: row.epoch)

        def series(name: str) -> Values:
            given = np.array([getattr(row, name) for row in rows], dtype=np.float64)  # None becomes NaN
            return np.clip(given, -LARGEST, LARGEST)

        return cls(np.array([row.epoch for row in rows], dtype=np.int64), *map(series, _SERIES))

    def __len__(self) -> int:
        return len(self.epochs)

    @cached_property
    def finite(self) -> "Curves":
        """The epochs of which every figure is finite."""
        whole = np.all([np.isfinite(getattr(self, name)) for name in _SERIES], axis=0)
        return self if whole.all() else Curves(*(getattr(self, each.name)[whole] for each in fields(self)))

    @cached_property
    def train_course(self) -> Values:
        """The training loss, smoothed."""
        return smooth(self.train_loss)

    @cached_property
    def val_course(self) -> Values:
        """The validation loss, smoothed."""
        return smooth(self.val_loss)

    def since(self, position: int) -> "Curves":
        """From that place on."""
        return Curves(*(getattr(self, each.name)[position:] for each in fields(self)))

    def last(self, count: int) -> "Curves":
        """The last so many epochs, or all."""
        return self.since(max(0, len(self) - count))

    @property
    def span(self) -> tuple[int, int]:
        """First and last epoch; (0, 0) where there is none."""
        return (int(self.epochs[0]), int(self.epochs[-1])) if len(self) else (0, 0)


_SERIES = tuple(each.name for each in fields(Curves) if each.name != "epochs")


def smooth(values: Values) -> Values:
    """The running median, over fewer values towards either end."""
    count = len(values)
    half = min(max(3, count // FULL_SHARE), WIDEST) // 2
    if count <= 2 * half:
        return np.array([median(values[max(0, at - half) : at + half + 1]) for at in range(count)], dtype=np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * half + 1)
    inner = np.partition(windows, half, axis=-1)[:, half]  # the median of an odd number, in half the time of np.median
    left = [median(values[: at + half + 1]) for at in range(half)]
    right = [median(values[at - half :]) for at in range(count - half, count)]
    return np.concatenate([left, inner, right])


def median(values: Values) -> float:
    """Of at least one value; NaN where one is. As `np.median`, which takes ten times as long for a few epochs."""
    middle = len(values) // 2
    parted = np.partition(values, (max(0, middle - 1), middle, -1))
    if np.isnan(parted[-1]):
        return float("nan")
    return float(parted[middle] if len(values) % 2 else (parted[middle - 1] + parted[middle]) / 2)


def noise(values: Values) -> float:
    """The standard deviation about a smooth curve, from second differences; 0 where there are fewer than four values.

    A straight line has none, a curve hardly any; of independent values they have six times the variance (Gasser, Sroka
    and Jennen-Steinmetz, Biometrika 73, 1986). The median makes it blind to a few jumps.
    """
    if len(values) < 4:
        return 0.0
    return MAD_TO_SIGMA * median(np.abs(np.diff(values, n=2))) / 6**0.5


def slope(values: Values) -> float:
    """By how much it changes an epoch: the median over all pairs (Theil 1950, Sen 1968); 0 for a single value."""
    rises, distances = _pairs(values)
    return median(rises / distances) if len(rises) else 0.0


def falling(values: Values) -> float:
    """The share of all pairs whose later value is lower: 1 if it only falls, 1/2 for noise (Kendall 1938)."""
    rises, _ = _pairs(values)
    return float(np.mean(rises < 0)) if len(rises) else 0.0


def rising(values: Values) -> float:
    """The same upwards."""
    return falling(-values)


def _pairs(values: Values) -> tuple[Values, Values]:
    positions = np.arange(len(values), dtype=np.float64)
    if len(values) > MOST_POINTS:
        parts = np.array_split(np.arange(len(values)), MOST_POINTS)
        positions = np.array([part.mean() for part in parts])
        values = np.array([median(values[part]) for part in parts])
    earlier, later = np.triu_indices(len(values), k=1)
    return values[later] - values[earlier], positions[later] - positions[earlier]
