"""Verdicts on pairs of groups and of runs, in words.

Two are distinguishable where the p-value, corrected for all pairs that are judged together, is below `LEVEL`.
"""

from typing import NamedTuple

from service.analysis.words import count, decimal, p_of, points, spaced
from service.domain.comparison import LEVEL, GroupVerdict, Interval, OverImages, OverSeeds, RunVerdict
from service.domain.curves import Remark
from service.domain.significance import McNemar

METHODS = {
    "paired_t": ("paired t test over {} seeds", "test t apparié sur {} graines"),
    "welch_t": ("Welch's t test over {} seeds", "test t de Welch sur {} graines"),
    "sign_flip": ("exact sign test over {} seeds", "test exact des signes sur {} graines"),
    "permutation": ("exact permutation test over {} seeds", "test exact de permutation sur {} graines"),
}


class Pair(NamedTuple):
    """What is judged: labels of both, the corrected p-value, and for how many pairs it was corrected."""

    first: str
    second: str
    p_value: float
    of: int


def of_groups(
    pair: Pair, a: int, b: int, *, seeds: OverSeeds, images: OverImages | None, p_value: float
) -> GroupVerdict:
    """`p_value` is the larger of both tests'."""
    better = (a if seeds.difference > 0 else b) if pair.p_value < LEVEL else None
    size = str(seeds.n[0]) if seeds.n[0] == seeds.n[1] else f"{seeds.n[0]} + {seeds.n[1]}"
    en, fr = (text.format(size) for text in METHODS[seeds.method])
    p = p_of(seeds.p_value)
    en, fr = f"{en}: {p.en}", f"{fr} : {p.fr}"
    if images is not None:
        read, p = count(images.images), p_of(images.p_value)
        en += f"; over {read.en} test images: {p.en}"
        fr += f" ; sur {read.fr} images de test : {p.fr}"
    text = _said(pair, seeds.difference, seeds.interval, better=better is not None, how=Remark(en=en, fr=fr))
    return GroupVerdict(
        a=a,
        b=b,
        over_seeds=seeds,
        over_images=images,
        p_value=p_value,
        adjusted_p_value=pair.p_value,
        better=better,
        text=text,
    )


def of_runs(pair: Pair, a: str, b: str, *, counted: McNemar, difference: float, interval: Interval) -> RunVerdict:
    """By McNemar's test."""
    better = (a if difference > 0 else b) if pair.p_value < LEVEL else None
    alone, p = f"{counted.only_a} + {counted.only_b}", p_of(counted.p_value)
    how = Remark(
        en=f"McNemar's test on the {alone} test images that one alone reads right: {p.en}",
        fr=f"test de McNemar sur les {alone} images de test qu'un seul lit bien : {p.fr}",
    )
    return RunVerdict(
        a=a,
        b=b,
        difference=difference,
        interval=interval,
        mcnemar=counted,
        adjusted_p_value=pair.p_value,
        better=better,
        text=_said(pair, difference, interval, better=better is not None, how=how),
    )


def _said(pair: Pair, difference: float, interval: Interval | None, *, better: bool, how: Remark) -> Remark:
    first, second = (pair.first, pair.second) if difference >= 0 else (pair.second, pair.first)
    size, p, english, french = points(abs(difference), 2), p_of(pair.p_value), how.en, how.fr
    if interval is not None:
        low, high = (decimal(100 * each) for each in sorted(end if difference >= 0 else -end for end in interval))
        english = f"95 % interval {low.en} to {high.en}; {english}"
        french = f"intervalle à 95 % de {low.fr} à {high.fr} ; {french}"
    if pair.of > 1:
        english += f"; the first p after Holm's correction for {pair.of} pairs"
        french += f" ; le premier p corrigé selon Holm pour {pair.of} paires"
    evidence = f"{size.en} of test accuracy ({english})."
    numbers = spaced(f", {p.fr} : {size.fr} d'exactitude en test ({french})")
    if better:
        return Remark(
            en=f"{first} is better than {second} with {p.en}: {evidence}",
            fr=f"{first} est meilleur que {second}{numbers}.",
        )
    return Remark(
        en=f"{first} and {second} are not distinguishable, {p.en}: {evidence}",
        fr=f"{first} et {second} ne se distinguent pas{numbers}.",
    )
