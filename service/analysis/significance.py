"""Whether one of two networks reads the same images better than the other.

McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika 12
(1947): only the images that one of them alone reads right say anything of the difference, and if the networks are
equally good each of these is a toss of a coin. Dietterich, "Approximate statistical tests for comparing supervised
classification learning algorithms", Neural Computation 10 (1998), recommends it for networks that were trained once.
"""

from functools import lru_cache
from math import erfc, sqrt

import numpy as np

from service.domain.significance import McNemar

EXACT_UP_TO = 200
"""Images that the networks differ on. Beyond, the approximation is within some percent of a p-value that matters, and
the exact sum would cost more the more they are."""


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> McNemar:
    """The two-sided test on booleans `(n,)`: whether a network reads each image right.

    ValueError where they are not of the same images, as far as their number tells.
    """
    if right_a.shape != right_b.shape or right_a.ndim != 1:
        raise ValueError(f"must be two vectors of one length, not {right_a.shape} and {right_b.shape}")
    a, b = right_a.astype(bool), right_b.astype(bool)
    return from_counts(int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a)))


def from_counts(only_a: int, only_b: int) -> McNemar:
    """The same where the images are counted already."""
    if only_a + only_b <= EXACT_UP_TO:
        p_value = _exact(min(only_a, only_b), only_a + only_b)
        return McNemar(only_a=only_a, only_b=only_b, p_value=p_value, method="exact_binomial")
    p_value = _approximate(abs(only_a - only_b), only_a + only_b)
    return McNemar(only_a=only_a, only_b=only_b, p_value=p_value, method="chi_squared")


@lru_cache(maxsize=4096)
def _exact(fewer: int, tosses: int) -> float:
    """Twice the probability of at most `fewer` heads of a fair coin, in integers up to the last division."""
    ways, total = 1, 1
    for heads in range(fewer):
        ways = ways * (tosses - heads) // (heads + 1)
        total += ways
    return min(1.0, 2 * total / (1 << tosses))


def _approximate(difference: int, tosses: int) -> float:
    """By chi-squared with one degree of freedom, whose tail is that of a squared normal: Edwards, Psychometrika 13."""
    statistic = max(difference - 1, 0) ** 2 / tosses
    return erfc(sqrt(statistic / 2))
