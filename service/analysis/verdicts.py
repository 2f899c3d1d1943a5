"""Verdicts on pairs of groups and of runs, in words.

Two are distinguishable where the p-value, corrected for all pairs that are judged together, is below `LEVEL`.
"""

from typing import NamedTuple

from service.analysis.differences import with_commas
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
    en, fr = f"{en}: {_p(seeds.p_value)}", f"{fr} : {_p(seeds.p_value)}"
    if images is not None:
        en += f"; over {images.images:,} test images: {_p(images.p_value)}"
        fr += f" ; sur {images.images} images de test : {_p(images.p_value)}"
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
    alone = f"{counted.only_a} + {counted.only_b}"
    how = Remark(
        en=f"McNemar's test on the {alone} test images that one alone reads right: {_p(counted.p_value)}",
        fr=f"test de McNemar sur les {alone} images de test qu'un seul lit bien : {_p(counted.p_value)}",
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
    points, p, english, french = f"{100 * abs(difference):.2f}", _p(pair.p_value), how.en, how.fr
    if interval is not None:
        low, high = sorted(100 * (end if difference >= 0 else -end) for end in interval)
        english = f"95 % interval {low:.2f} to {high:.2f}; {english}"
        french = f"intervalle à 95 % de {low:.2f} à {high:.2f} ; {french}"
    if pair.of > 1:
        english += f"; the first p after Holm's correction for {pair.of} pairs"
        french += f" ; le premier p corrigé selon Holm pour {pair.of} paires"
    evidence = f"{points} points of test accuracy ({english})."
    numbers = with_commas(f", {p} : {points} points d'exactitude en test ({french})")
    if better:
        return Remark(
            en=f"{first} is better than {second} with {p}: {evidence}",
            fr=f"{first} est meilleur que {second}{numbers}.",
        )
    return Remark(
        en=f"{first} and {second} are not distinguishable, {p}: {evidence}",
        fr=f"{first} et {second} ne se distinguent pas{numbers}.",
    )


def _p(value: float) -> str:
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.2g}"
