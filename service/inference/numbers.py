"""From arrays to what JSON takes."""

import math
from typing import Any

import numpy as np


def listed(array: np.ndarray) -> Any:
    """Nested lists of the array's depth; None for what is not finite."""
    finite = np.isfinite(array)
    if finite.all():
        return array.tolist()
    values = array.astype(object)
    values[~finite] = None
    return values.tolist()


def single(value: float) -> float | None:
    """The number, or None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def extremes(array: np.ndarray) -> tuple[float | None, float | None]:
    """The smallest and largest finite value; None where there is none."""
    finite = array[np.isfinite(array)]
    return (float(finite.min()), float(finite.max())) if finite.size else (None, None)


def reach(array: np.ndarray) -> float | None:
    """The largest absolute value of those that are finite."""
    low, high = extremes(array)
    return None if low is None or high is None else max(-low, high)
