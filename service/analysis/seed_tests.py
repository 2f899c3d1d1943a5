"""Whether two groups of runs differ by more than the luck of their seeds.

Two groups with the same seeds are paired, as the seed divides training from validation images and is shared: the
paired t test, which of five pairs can already give a p-value as small as the data say, while the ranks or signs of five
pairs end at 1/16. With other seeds it is Welch's, "The generalization of 'Student's' problem when several different
population variances are involved", Biometrika 34 (1947).
"""

from collections.abc import Mapping, Sequence
from math import comb, isfinite, sqrt
from statistics import fmean

import numpy as np

from service.analysis.estimates import CONFIDENCE, t_p_value, t_quantile
from service.domain.comparison import Interval, OverSeeds

MOST_FLIPPED = 12
"""Pairs whose 2**n signs are gone through."""
NEGLIGIBLE = 1e-12
"""What rounding leaves of the spread of equal accuracies."""


def compare(a: Mapping[int, float], b: Mapping[int, float]) -> OverSeeds:
    """Of accuracies by seed, at least two each: a minus b, paired where the seeds are the same."""
    if a.keys() == b.keys():
        return paired([a[seed] - b[seed] for seed in a])
    return unpaired([*a.values()], [*b.values()])


def paired(differences: Sequence[float]) -> OverSeeds:
    """The paired t test, with Cohen's d and the interval that the noncentral t distribution gives it.

    Cumming and Finch, "A primer on the understanding, use, and calculation of confidence intervals that are based on
    central and noncentral distributions", Educational and Psychological Measurement 61 (2001).
    """
    n, mean, deviation = len(differences), fmean(differences), float(np.std(differences, ddof=1))
    flipped = sign_flips(differences) if n <= MOST_FLIPPED else None
    if deviation <= NEGLIGIBLE:
        p_value = 1.0 if abs(mean) <= NEGLIGIBLE else 2.0 ** (1 - n)
        return _without_spread("sign_flip", (n, n), mean, p_value, flipped=flipped)
    error = deviation / sqrt(n)
    t, half = mean / error, t_quantile(n - 1) * error
    return OverSeeds(
        method="paired_t",
        n=(n, n),
        difference=mean,
        interval=(mean - half, mean + half),
        statistic=t,
        degrees_of_freedom=n - 1,
        p_value=t_p_value(t, n - 1),
        sign_flip_p_value=flipped,
        effect_size=mean / deviation,
        effect_size_interval=_noncentral(t, n),
    )


def unpaired(a: Sequence[float], b: Sequence[float]) -> OverSeeds:
    """Welch's t test; Cohen's d in the mean of both variances, with the interval of Bonett.

    Bonett, "Confidence intervals for standardized linear contrasts of means", Psychological Methods 13 (2008).
    """
    n, mean = (len(a), len(b)), fmean(a) - fmean(b)
    variances, rest = (float(np.var(a, ddof=1)), float(np.var(b, ddof=1))), (len(a) - 1, len(b) - 1)
    if max(variances) <= NEGLIGIBLE**2:
        p_value = 1.0 if abs(mean) <= NEGLIGIBLE else (2 if n[0] == n[1] else 1) / comb(sum(n), n[0])
        return _without_spread("permutation", n, mean, p_value)
    parts = [variance_ / size for variance_, size in zip(variances, n, strict=True)]
    error = sqrt(sum(parts))
    freedom = sum(parts) ** 2 / sum(part**2 / below for part, below in zip(parts, rest, strict=True))
    t, half, pooled = mean / error, t_quantile(freedom) * error, sum(variances) / 2
    d = mean / sqrt(pooled)
    d_error = sqrt(
        sum(
            d**2 * each**2 / (8 * pooled**2 * below) + each / (pooled * below)
            for each, below in zip(variances, rest, strict=True)
        )
    )
    return OverSeeds(
        method="welch_t",
        n=n,
        difference=mean,
        interval=(mean - half, mean + half),
        statistic=t,
        degrees_of_freedom=freedom,
        p_value=t_p_value(t, freedom),
        sign_flip_p_value=None,
        effect_size=d,
        effect_size_interval=(d - 1.959963984540054 * d_error, d + 1.959963984540054 * d_error),
    )


def sign_flips(differences: Sequence[float]) -> float:
    """How many of the 2**n ways to sign the differences give a sum at least as far from zero: Fisher (1935), exact."""
    values = np.asarray(differences)
    signs = 1 - 2 * ((np.arange(1 << len(values))[:, None] >> np.arange(len(values))) & 1)
    sums, observed = np.abs(signs @ values), abs(values.sum())
    return float(np.mean(sums >= observed - NEGLIGIBLE))


def _noncentral(t: float, n: int) -> Interval | None:
    """The noncentralities under which t would be as far out as `CONFIDENCE` allows, as d; null where t is too large."""
    from scipy.special import nctdtrinc

    tail = (1 - CONFIDENCE) / 2
    low, high = (float(nctdtrinc(n - 1, chance, t)) / sqrt(n) for chance in (1 - tail, tail))
    return (low, high) if isfinite(low) and isfinite(high) and low <= t / sqrt(n) <= high else None


def _without_spread(
    method: str, n: tuple[int, int], difference: float, p_value: float, *, flipped: float | None = None
) -> OverSeeds:
    return OverSeeds.model_validate(
        {
            "method": method, "n": n, "difference": difference, "interval": None, "statistic": None,
            "degrees_of_freedom": None, "p_value": p_value, "sign_flip_p_value": flipped, "effect_size": None,
            "effect_size_interval": None,
        }
    )  # fmt: skip
