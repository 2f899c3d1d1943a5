"""Which groups of runs are better than which: on new seeds, and on new images.

The accuracies of five seeds on one test split may differ every time and still be the luck of these images; the
predictions of one seed may differ on many images and still be the luck of that seed. What is called better is so by
both tests, an intersection-union test: Berger, "Multiparameter hypothesis testing and acceptance sampling",
Technometrics 24 (1982).
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from service.analysis import holm, image_tests, seed_tests, verdicts
from service.domain.comparison import MOST_PAIRED, GroupVerdict, OverImages
from service.domain.curves import Remark

FEWEST_SEEDS = 2


class Candidate(NamedTuple):
    """A group as it is judged."""

    label: str
    dataset: str
    accuracies: dict[int, float]
    """On the test split, by seed."""
    images: str | None
    """What stands for the test images and their order; null where a run has no outputs, or runs have other images."""
    share: np.ndarray | None
    """Of its runs, how many read each image right, 0..1."""


def judge(groups: Sequence[Candidate], *, baseline: int | None) -> tuple[list[GroupVerdict], list[Remark]]:
    """Every pair, or with a baseline every pair with it, of those that have seeds enough and one data set."""
    enough = [index for index, group in enumerate(groups) if len(group.accuracies) >= FEWEST_SEEDS]
    pairs = [
        (a, b)
        for a, b in combinations(enough, 2)
        if groups[a].dataset == groups[b].dataset and baseline in {None, a, b}
    ]
    if baseline is None and len(enough) > MOST_PAIRED:
        return [], [_too_many(len(enough))]
    found = []
    for a, b in pairs:
        seeds, images = seed_tests.compare(groups[a].accuracies, groups[b].accuracies), _images(groups[a], groups[b])
        found.append((seeds, images, seeds.p_value if images is None else max(seeds.p_value, images.p_value)))
    corrected = holm.adjusted([p_value for _, _, p_value in found])
    judged = [
        verdicts.of_groups(
            verdicts.Pair(groups[a].label, groups[b].label, adjusted, len(pairs)),
            a,
            b,
            seeds=seeds,
            images=images,
            p_value=p_value,
        )
        for (a, b), adjusted, (seeds, images, p_value) in zip(pairs, corrected, found, strict=True)
    ]
    return judged, []


def _images(a: Candidate, b: Candidate) -> OverImages | None:
    if a.share is None or b.share is None or a.images != b.images:
        return None
    return image_tests.compare(a.share, b.share)


def _too_many(count: int) -> Remark:
    return Remark(
        en=f"There are {count} groups over seeds; every pair is judged of at most {MOST_PAIRED}. Name one of the "
        "runs as `baseline` to have each group held against its own.",
        fr=f"Il y a {count} groupes de graines ; chaque paire est jugée jusqu'à {MOST_PAIRED}. Nommez l'un des essais "
        "comme `baseline` pour comparer chaque groupe au sien.",
    )
