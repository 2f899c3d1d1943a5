"""A figure over runs that differ in their seed alone: mean, standard deviation, and the interval of the mean."""

from collections.abc import Iterable
from math import fsum, sqrt
from statistics import fmean

from service.domain.comparison import Estimate, Figures

CONFIDENCE = 0.95


def estimate(values: Iterable[float | None]) -> Estimate | None:
    """Of the values that are there; null of none. The interval is Student's ("The probable error of a mean", 1908)."""
    there = [value for value in values if value is not None]
    if not there:
        return None
    mean = fmean(there)
    if len(there) == 1:
        return Estimate(n=1, mean=mean, standard_deviation=None, interval=None)
    # `fsum` rounds once; `statistics.stdev` computes in fractions, and takes thirty times as long for the same digits.
    deviation = sqrt(fsum((value - mean) ** 2 for value in there) / (len(there) - 1))
    half = t_quantile(len(there) - 1) * deviation / sqrt(len(there))
    return Estimate(n=len(there), mean=mean, standard_deviation=deviation, interval=(mean - half, mean + half))


def figures(accuracies: Iterable[float | None], losses: Iterable[float | None]) -> Figures:
    """Both of one split."""
    return Figures(accuracy=estimate(accuracies), loss=estimate(losses))


def t_quantile(degrees_of_freedom: float) -> float:
    """Beyond it on either side lies what `CONFIDENCE` leaves of Student's distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, 0.5 + CONFIDENCE / 2))


def t_p_value(statistic: float, degrees_of_freedom: float) -> float:
    """The two-sided one."""
    from scipy.special import stdtr

    return 2 * float(stdtr(degrees_of_freedom, -abs(statistic)))
