"""A power law through test errors: error = a * n**-b + c.

That is how the error falls with the number of training images, from where it begins to fall to where nothing more can
be learnt: Cortes, Jackel, Solla, Vapnik and Denker, "Learning curves: asymptotic values and rate of convergence", NIPS
6 (1993); Hestness et al., "Deep learning scaling is predictable, empirically", arXiv:1712.00409 (2017).
"""

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from service.analysis.estimates import t_quantile
from service.domain.train_size import Parameter, PowerLaw, Prediction

if TYPE_CHECKING:
    Vector = np.ndarray[tuple[int], np.dtype[np.float64]]

FEWEST_SIZES = 3
FEWEST_SIZES_WITH_A_FLOOR = 4
STEEPEST = 5.0
NEGLIGIBLE_FLOOR = 1e-3
"""Of the smallest error: a floor below it is none."""


class _Fit(NamedTuple):
    """In the coordinates of the fit: log a, b and, where there is one, c."""

    values: "Vector"
    covariance: "np.ndarray | None"
    """Null where every run lies on the curve or there are no more runs than numbers to fit."""
    residual: float
    quantile: float


def fit(sizes: Sequence[int], errors: Sequence[float], *, full: int) -> PowerLaw | None:
    """Least squares on the logarithms of the runs' errors, all above 0; null of fewer than three sizes.

    Of three sizes, or where a floor c makes the fit no better, c is 0. `full` is the size for which it predicts.
    """
    different = len(set(sizes))
    if different < FEWEST_SIZES:
        return None
    found = None
    if different >= FEWEST_SIZES_WITH_A_FLOOR:
        found = _least_squares(sizes, errors, floor=True)
        if found.values[2] < NEGLIGIBLE_FLOOR * min(errors):
            found = None
    if found is None:
        found = _least_squares(sizes, errors, floor=False)
    spread = _spreads(found)
    log_a, b = float(found.values[0]), float(found.values[1])
    c = float(found.values[2]) if len(found.values) == 3 else 0.0
    half = spread[0]
    return PowerLaw(
        a=Parameter(value=exp(log_a), interval=None if half is None else (exp(log_a - half), exp(log_a + half))),
        b=_parameter(b, spread[1]),
        c=_parameter(c, spread[2] if len(spread) == 3 else None),
        residual=found.residual,
        full=_predict(found, full, largest=max(sizes)),
    )


def at(law: PowerLaw, size: float) -> float:
    """The error that it gives for a number of images."""
    return float(law.a.value * size**-law.b.value + law.c.value)


def _least_squares(sizes: Sequence[int], errors: Sequence[float], *, floor: bool) -> _Fit:
    from scipy.optimize import least_squares

    logs, targets = np.log(np.asarray(sizes, float)), np.log(np.asarray(errors, float))
    slope, start = np.polyfit(logs, targets, 1)
    # The floor as a part of the smallest error, so that all numbers are of one order.
    smallest = min(errors)
    first = [start, min(max(-slope, 1e-3), STEEPEST - 1e-3)] + ([0.3] if floor else [])
    bounds = ([-np.inf, 0.0, 0.0][: len(first)], [np.inf, STEEPEST, 1.0][: len(first)])

    def residuals(values: "Vector") -> "Vector":
        rest = values[2] * smallest if floor else 0.0
        off: Vector = np.log(np.exp(values[0] - values[1] * logs) + rest) - targets
        return off

    done = least_squares(residuals, first, bounds=bounds, x_scale="jac", xtol=1e-12, ftol=1e-12, gtol=1e-12)
    scale = np.array([1.0, 1.0, smallest][: len(first)])
    freedom = len(errors) - len(first)
    squares = float(np.sum(done.fun**2))
    residual = sqrt(squares / freedom) if freedom > 0 else 0.0
    information = done.jac.T @ done.jac
    known = freedom > 0 and residual > 0 and np.linalg.cond(information) < 1e12
    covariance = np.linalg.inv(information) * residual**2 * np.outer(scale, scale) if known else None
    return _Fit(done.x * scale, covariance, residual, t_quantile(freedom) if freedom > 0 else 0.0)


def _spreads(found: _Fit) -> list[float | None]:
    """Half the width of each number's interval."""
    if found.covariance is None:
        return [None] * len(found.values)
    return [found.quantile * sqrt(float(variance)) for variance in np.diag(found.covariance)]


def _predict(found: _Fit, size: int, *, largest: int) -> Prediction:
    """The interval by the delta method, on the logarithm, in which the errors' spread is even."""
    falling = exp(float(found.values[0]) - float(found.values[1]) * log(size))
    floor = float(found.values[2]) if len(found.values) == 3 else 0.0
    error = falling + floor
    interval = None
    if found.covariance is not None:
        slopes = np.array([falling / error, -falling * log(size) / error, 1 / error][: len(found.values)])
        half = found.quantile * sqrt(float(slopes @ found.covariance @ slopes))
        interval = (error * exp(-half), error * exp(half))
    return Prediction(train_size=size, test_error=error, interval=interval, extrapolated=size > largest)


def _parameter(value: float, half: float | None) -> Parameter:
    return Parameter(value=value, interval=None if half is None else (value - half, value + half))
