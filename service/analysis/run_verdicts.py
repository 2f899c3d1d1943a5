"""Which trained networks are better than which, on the same test images."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from service.analysis import holm, image_tests, significance, verdicts
from service.domain.comparison import MOST_PAIRED, RunVerdict
from service.domain.curves import Remark


class Contender(NamedTuple):
    """A run as it is judged."""

    id: str
    label: str
    images: str
    """What stands for the test images and their order."""
    right: np.ndarray
    """Which of them it reads right."""


def judge(runs: Sequence[Contender], *, baseline: str | None) -> tuple[list[RunVerdict], list[Remark]]:
    """Every pair, or with a baseline every pair with it, of those that have read the same images."""
    if baseline is None and len(runs) > MOST_PAIRED:
        return [], [_too_many(len(runs))]
    pairs = [(a, b) for a, b in combinations(runs, 2) if a.images == b.images and baseline in {None, a.id, b.id}]
    found = [significance.mcnemar(a.right, b.right) for a, b in pairs]
    corrected = holm.adjusted([counted.p_value for counted in found])
    judged = []
    for (a, b), counted, adjusted in zip(pairs, found, corrected, strict=True):
        difference, interval = image_tests.difference(counted.only_a, counted.only_b, len(a.right))
        pair = verdicts.Pair(a.label, b.label, adjusted, len(pairs))
        judged.append(verdicts.of_runs(pair, a.id, b.id, counted=counted, difference=difference, interval=interval))
    return judged, []


def _too_many(count: int) -> Remark:
    return Remark(
        en=f"There are {count} runs with outputs; every pair is judged of at most {MOST_PAIRED}. Name one as "
        "`baseline` to have each of the others held against it.",
        fr=f"Il y a {count} essais avec des sorties ; chaque paire est jugée jusqu'à {MOST_PAIRED}. Nommez-en un comme "
        "`baseline` pour comparer chacun des autres à celui-là.",
    )
