"""Whether one network is better than another, said with the names that the sheet gives them."""

from collections.abc import Sequence
from typing import NamedTuple

from service.analysis import holm
from service.analysis.words import points
from service.domain.comparison import LEVEL, GroupVerdict, OverImages, RunVerdict
from service.domain.lab import Verdict
from service.report.view import View
from service.report.words import DASH, HARD, Words


class Judgement(NamedTuple):
    """One pair, on the accuracy on the test split."""

    first: str
    second: str
    difference: float
    interval: tuple[float, float] | None
    uncorrected: float
    p_value: float
    """Corrected for all pairs that were looked at with it."""
    better: str | None
    seeds: int
    """0: one trained network each, judged on the images alone."""
    over_seeds: float | None
    """The p-value of the one test, null for single networks,"""
    over_images: OverImages | None
    """and the other."""
    pairs: int


def all_pairs(view: View) -> list[Judgement]:
    """Over seeds where there are several; else between the single runs."""
    verdicts = view.comparison.verdicts
    labels = {group.place: group.label for group in view.groups()}
    if verdicts.groups:
        return [_of_groups(each, labels, len(verdicts.groups)) for each in verdicts.groups]
    owner = {each: labels[place] for place, group in enumerate(view.comparison.groups) for each in group.experiment_ids}
    return [_of_runs(each, owner, len(verdicts.runs)) for each in verdicts.runs]


def planned(view: View, pairs: Sequence[Verdict]) -> list[Judgement | None]:
    """Of the pairs that a sheet asks for, corrected for these alone; None where one cannot be judged.

    They were chosen before there were any results: to correct them for pairs that nobody asked for would hide
    differences that are there.
    """
    judged_pairs = all_pairs(view) if pairs else []
    found = [_of_pair(view, judged_pairs, each) for each in pairs]
    corrected = iter(holm.adjusted([each.uncorrected for each in found if each is not None]))
    judged = sum(each is not None for each in found)
    return [None if each is None else _corrected(each, next(corrected), judged) for each in found]


def _of_pair(view: View, judged: Sequence[Judgement], pair: Verdict) -> Judgement | None:
    names = {view.runs[run].label for run in (pair.a, pair.b) if run in view.runs}
    found = [each for each in judged if {each.first, each.second} == names]
    return found[0] if len(names) == 2 and found else None


def _corrected(found: Judgement, p_value: float, pairs: int) -> Judgement:
    ahead = found.first if found.difference > 0 else found.second
    return found._replace(p_value=p_value, pairs=pairs, better=ahead if p_value < LEVEL else None)


def sentence(found: Judgement, words: Words) -> str:
    """The verdict first, then the numbers that it rests on."""
    ahead, behind = (found.first, found.second) if found.difference >= 0 else (found.second, found.first)
    size = words.of(points(abs(found.difference), 2))
    evidence = words.pick(
        f"{size} of test accuracy{_basis(found, words)}", f"{size} d'exactitude en test{_basis(found, words)}"
    )
    if found.better is None:
        return words.pick(
            f"“{ahead}” is not distinguishable from “{behind}” ({words.p(found.p_value)}): {evidence}.",
            f"« {ahead} » ne se distingue pas de « {behind} » ({words.p(found.p_value)}) : {evidence}.",
        )
    level = _level(found.p_value, words)
    return words.pick(
        f"“{ahead}” is better than “{behind}” ({level}): {evidence}.",
        f"« {ahead} » est meilleur que « {behind} » ({level}) : {evidence}.",
    )


def method(found: Sequence[Judgement], words: Words) -> str:
    """What the p-values of a table are."""
    pairs = found[0].pairs
    holm_en = f", after Holm's correction for {pairs} pairs" if pairs > 1 else ""
    holm_fr = f", corrigé selon Holm pour {pairs} paires" if pairs > 1 else ""
    if found[0].seeds:
        return words.pick(
            "A difference is called real where it is more than the luck of the seeds (paired t test) and more than the "
            f"luck of the test images; p is the larger of both{holm_en}. The interval is that of the seeds, and of one "
            "pair alone: it may leave out 0 where p is large.",
            "Un écart est dit réel s'il dépasse le hasard des graines (test t apparié) et celui des images de test ; "
            f"p est le plus grand des deux{holm_fr}. L'intervalle est celui des graines, et d'une seule paire : il "
            "peut exclure 0 alors que p est grand.",
        )
    return words.pick(
        f"One run each: McNemar's test on the test images that one network alone reads right{holm_en}. It speaks of "
        "these trained networks, not of their kinds.",
        f"Un seul essai chacun : test de McNemar sur les images de test qu'un seul des deux réseaux lit bien{holm_fr}. "
        "Il parle de ces réseaux entraînés, non de leurs familles.",
    )


def interval(found: Judgement, words: Words) -> str:
    """Of the difference, in points."""
    if found.interval is None:
        return DASH
    low, high = sorted(found.interval)
    return f"{words.points(low)} {words.pick('to', 'à')} {words.points(high)}"


def _basis(found: Judgement, words: Words) -> str:
    if not found.seeds:
        said = words.pick(", one run each", ", un essai chacun")
    else:
        said = words.pick(f", over {found.seeds} seeds", f", sur {found.seeds} graines")
    if found.interval is not None:
        ends = sorted(end if found.difference >= 0 else -end for end in found.interval)
        low, high = (words.decimal(100 * end, 2) for end in ends)
        p = "" if found.over_seeds is None else words.pick("; ", " ; ") + words.p(found.over_seeds)
        said += words.pick(f" (95 % interval {low} to {high}{p})", f" (intervalle à 95 % : de {low} à {high}{p})")
    if found.over_images is not None:
        images, p = words.integer(found.over_images.images), words.p(found.over_images.p_value)
        said += words.pick(f" and {images} test images ({p})", f" et {images} images de test ({p})")
    if found.pairs > 1:
        said += words.pick(
            f"; the first p after Holm's correction for the {found.pairs} pairs asked for",
            f" ; le premier p corrigé selon Holm pour les {found.pairs} paires demandées",
        )
    return said


def _level(p_value: float, words: Words) -> str:
    """The usual levels as such, so that `p < 0.01` can be read off."""
    for level in (0.0001, 0.001, 0.01, 0.05):
        if p_value < level:
            return f"p{HARD}<{HARD}{words.compact(level) if level >= 0.001 else words.decimal(level, 4)}"
    return words.p(p_value)


def _of_groups(verdict: GroupVerdict, labels: dict[int, str], pairs: int) -> Judgement:
    return Judgement(
        first=labels[verdict.a],
        second=labels[verdict.b],
        difference=verdict.over_seeds.difference,
        interval=verdict.over_seeds.interval,
        uncorrected=verdict.p_value,
        p_value=verdict.adjusted_p_value,
        better=None if verdict.better is None else labels[verdict.better],
        seeds=min(verdict.over_seeds.n),
        over_seeds=verdict.over_seeds.p_value,
        over_images=verdict.over_images,
        pairs=pairs,
    )


def _of_runs(verdict: RunVerdict, owner: dict[str, str], pairs: int) -> Judgement:
    return Judgement(
        first=owner[verdict.a],
        second=owner[verdict.b],
        difference=verdict.difference,
        interval=verdict.interval,
        uncorrected=verdict.mcnemar.p_value,
        p_value=verdict.adjusted_p_value,
        better=None if verdict.better is None else owner[verdict.better],
        seeds=0,
        over_seeds=None,
        over_images=None,
        pairs=pairs,
    )
