"""Where several networks differ on the same images."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from service.analysis import significance, softmax
from service.domain.disagreements import Pair


def pair(a: str, b: str, *, predictions: tuple[np.ndarray, np.ndarray], labels: np.ndarray) -> Pair:
    """Two runs, named by their ids, by what they predict and what is so, each `(n,)`."""
    right_a, right_b = (each == labels for each in predictions)
    return Pair(
        a=a,
        b=b,
        both_right=int(np.count_nonzero(right_a & right_b)),
        both_wrong=int(np.count_nonzero(~right_a & ~right_b)),
        differ=int(np.count_nonzero(predictions[0] != predictions[1])),
        **significance.mcnemar(right_a, right_b).model_dump(),
    )


def widest_first(logits: Sequence[np.ndarray], picked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picked places `(m,)` in the order of their margins, and the margins; NaN is last.

    `logits` are `(n, classes)` of each run. The margin of an image is the largest total variation distance between two
    runs' probabilities, half the sum of absolute differences: 1 where both are sure, each of another class.
    """
    each = [softmax.probabilities(run[picked]) for run in logits]
    distances = [np.abs(p - q).sum(axis=1) / 2 for p, q in combinations(each, 2)]
    margins = np.max(distances, axis=0)
    order = np.argsort(np.where(np.isnan(margins), np.inf, -margins), kind="stable")
    return picked[order], margins[order]
