"""A correction for many comparisons: of twenty without any difference, one would seem to have one."""

from collections.abc import Sequence


def adjusted(p_values: Sequence[float]) -> list[float]:
    """In their order; with those below 5 %, the chance of even one wrong among all is below 5 %.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    result, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        result[index] = largest
    return result
