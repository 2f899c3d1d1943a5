"""Test error by number of training images, family by family of runs that differ in this number and the seed alone."""

from collections.abc import Sequence

from service import datasets
from service.analysis import differences, power_law
from service.analysis.estimates import estimate
from service.analysis.words import Quantity, count, decimal, remark
from service.domain.curves import Remark
from service.domain.experiment import Experiment, State
from service.domain.train_size import PowerLaw, SizeCurve, SizePoint, TrainSizes

VARIED = frozenset({"seed", "dataset.train_size"})


def against_size(experiments: Sequence[Experiment]) -> TrainSizes:
    """One curve a family; a family without a tested run has a curve without points."""
    settings = [differences.settings(each.spec) for each in experiments]
    families = differences.families(settings, but_for=VARIED)
    names = [frozenset({experiments[member].name for member in family.members}) for family in families]
    labels = differences.labels(names, [family.settings for family in families])
    tested = [_error(each) is not None for each in experiments]
    curves = [
        _curve(label, family.settings, [experiments[member] for member in family.members if tested[member]])
        for label, family in zip(labels, families, strict=True)
    ]
    return TrainSizes(curves=tuple(curves), left_out=tested.count(False))


def size(experiment: Experiment) -> int:
    """Images that it learns from."""
    choice = experiment.spec.dataset
    return choice.most_images if choice.train_size is None else choice.train_size


def _error(experiment: Experiment) -> float | None:
    """Of a completed run."""
    if experiment.state is not State.COMPLETED or experiment.test is None or experiment.test.accuracy is None:
        return None
    return 1 - experiment.test.accuracy


def _curve(label: str, own: dict[str, object], runs: Sequence[Experiment]) -> SizeCurve:
    by_size: dict[int, dict[int, Experiment]] = {}
    for run in runs:
        by_size.setdefault(size(run), {}).setdefault(run.spec.seed, run)  # a run that repeats another tells nothing new
    points, sizes, errors = [], [], []
    for images, by_seed in sorted(by_size.items()):
        found = [1 - each.test.accuracy for each in by_seed.values() if each.test and each.test.accuracy is not None]
        if (mean := estimate(found)) is not None:
            ids = tuple(each.id for each in by_seed.values())
            points.append(SizePoint(train_size=images, test_error=mean, experiment_ids=ids))
        sizes += [images] * len(found)
        errors += found
    law = power_law.fit(sizes, _above_zero(errors, runs), full=runs[0].spec.dataset.most_images) if runs else None
    return SizeCurve(label=label, settings=own, points=tuple(points), fit=law, text=_said(points, law))


def _above_zero(errors: Sequence[float], runs: Sequence[Experiment]) -> list[float]:
    """A run without any mistake counts as one of half a mistake: its error has no logarithm."""
    half = 0.5 / datasets.facts(runs[0].spec.dataset.name).test_images
    return [max(error, half) for error in errors]


def _said(points: Sequence[SizePoint], law: PowerLaw | None) -> Remark:
    if law is None:
        return Remark(
            en=f"A curve takes at least {power_law.FEWEST_SIZES} training-set sizes with a completed run; there are "
            f"{len(points)}. Submit a sweep over `dataset.train_size`.",
            fr=f"Une courbe demande au moins {power_law.FEWEST_SIZES} tailles d'apprentissage avec un essai terminé ; "
            f"il y en a {len(points)}. Soumettez un balayage de `dataset.train_size`.",
        )
    full, floor = law.full, decimal(100 * law.c.value)
    interval = Quantity("", "")
    if full.interval is not None:
        low, high = (decimal(100 * end) for end in full.interval)
        interval = Quantity(f" (95 % interval {low.en} to {high.en})", f" (intervalle à 95 % de {low.fr} à {high.fr})")
    return remark(
        en="Twice as many images take {halving} % off the error above the floor (exponent {exponent}); {floor}."
        " With all {images} images the error is {error} %, {how}{interval}.",
        fr="Deux fois plus d'images ôtent {halving} % de l'erreur hors plancher (exposant {exponent}) ; {floor}."
        " Avec les {images} images, l'erreur est de {error} %, {how}{interval}.",
        halving=decimal(100 * (1 - 2**-law.b.value), 0),
        exponent=decimal(law.b.value),
        floor=Quantity(f"the floor is {floor.en} %", f"le plancher est à {floor.fr} %")
        if law.c.value
        else Quantity("no floor shows", "aucun plancher n'apparaît"),
        images=count(full.train_size),
        error=decimal(100 * full.test_error),
        how=Quantity("extrapolated", "extrapolée") if full.extrapolated else Quantity("fitted", "ajustée"),
        interval=interval,
    )
