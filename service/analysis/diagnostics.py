"""Which epochs of several runs are put side by side."""

from collections.abc import Collection


def aligned(epochs: Collection[Collection[int]], *, most: int) -> tuple[int, ...]:
    """Those that all have in common, ascending; of more than `most`, so many at even distances, first and last kept.

    A run without any is left out: it would leave nothing of the others.
    """
    known = [set(each) for each in epochs if each]
    common = sorted(set.intersection(*known)) if known else []
    if len(common) <= most:
        return tuple(common)
    return tuple(common[round(place * (len(common) - 1) / (most - 1))] for place in range(most))
