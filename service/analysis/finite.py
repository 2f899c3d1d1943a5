"""Numbers for JSON, which has neither NaN nor infinity."""

import math

import numpy as np


def number(value: float) -> float | None:
    """As it is, or None where it is not finite."""
    value = float(value)
    return value if math.isfinite(value) else None


def numbers(values: np.ndarray) -> tuple[float | None, ...]:
    """The same for each of `(n,)`."""
    return tuple(value if math.isfinite(value) else None for value in values.tolist())
