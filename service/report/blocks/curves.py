"""Learning curves: accuracy and loss, training and validation, epoch by epoch."""

from collections.abc import Iterator, Sequence
from math import isfinite
from statistics import fmean

from service.analysis.colours import PENCIL
from service.domain.comparison import AlignedRun
from service.domain.lab import Text
from service.report import curl, svg
from service.report.parts import Chart, Paragraph, Part
from service.report.svg import Line, Panel
from service.report.view import View
from service.report.words import Words

TITLE = Text(en="Learning curves", fr="Courbes d'apprentissage")
LOGARITHMIC_FROM = 100.0
MOST_BANDS = 3
"""More of them hide each other."""


def build(view: View) -> Iterator[Part]:
    """The mean over the seeds of each network; the band reaches from its worst to its best seed."""
    words, series = view.words, view.comparison.series
    groups = [*view.groups()]
    if series is None or not series.epochs:
        yield Paragraph(words.pick("No epoch is finished yet.", "Aucune époque n'est encore terminée."), role="problem")
        return
    by_id = {each.experiment_id: each for each in series.items}
    colours = svg.colours(len(groups))
    members = [[by_id[each] for each in group.facts.experiment_ids] for group in groups]
    panels = [
        _panel(heading, figure, series.epochs, members, colours, x=words.pick("epoch", "époque"))
        for heading, figure in (
            (words.pick("Accuracy", "Exactitude"), "accuracy"),
            (words.pick("Loss", "Perte"), "loss"),
        )
    ]
    legend = [(group.label, colour, False) for group, colour in zip(groups, colours, strict=True)]
    legend.append(
        (
            words.pick("dashed: training; solid: validation", "tirets : apprentissage ; trait plein : validation"),
            PENCIL,
            True,
        )
    )
    yield Chart(svg.draw(panels, legend, number=words.compact), caption=_caption(members, words))


def calls(view: View) -> Iterator[str]:
    """The same as a picture."""
    yield curl.saved(f"/v1/comparisons/learning-curves.svg?ids={','.join(view.ids)}&group=seeds", "curves.svg")


def _caption(members: Sequence[Sequence[AlignedRun]], words: Words) -> str:
    if all(len(each) == 1 for each in members):
        return ""
    if len(members) > MOST_BANDS:
        return words.pick("Means over the seeds.", "Moyennes sur les graines.")
    return words.pick(
        "Means over the seeds; the band reaches from the lowest to the highest validation figure.",
        "Moyennes sur les graines ; la bande va de la plus basse à la plus haute valeur de validation.",
    )


def _panel(
    heading: str,
    figure: str,
    epochs: Sequence[int],
    members: Sequence[Sequence[AlignedRun]],
    colours: Sequence[str],
    *,
    x: str,
) -> Panel:
    lines = []
    for runs, colour in zip(members, colours, strict=True):
        lines.append(Line(_mean(epochs, [getattr(run, f"train_{figure}") for run in runs]), colour, dashed=True))
        validation = [getattr(run, f"val_{figure}") for run in runs]
        band = _band(epochs, validation) if len(runs) > 1 and len(members) <= MOST_BANDS else []
        lines.append(Line(_mean(epochs, validation), colour, band=band))
    values = [y for line in lines for _, y in line.points if y is not None and y > 0]
    wide = figure == "loss" and bool(values) and max(values) > LOGARITHMIC_FROM * min(values)
    return Panel(heading, lines, x, logarithmic=(False, wide), within=(0.0, 1.0) if figure == "accuracy" else None)


def _mean(epochs: Sequence[int], series: Sequence[Sequence[float | None]]) -> list[tuple[float, float | None]]:
    """Of the runs that have a figure there: early stopping ends some before others."""
    return [(epoch, fmean(there) if (there := _there(series, place)) else None) for place, epoch in enumerate(epochs)]


def _band(epochs: Sequence[int], series: Sequence[Sequence[float | None]]) -> list[tuple[float, float, float]]:
    return [(epoch, min(there), max(there)) for place, epoch in enumerate(epochs) if (there := _there(series, place))]


def _there(series: Sequence[Sequence[float | None]], place: int) -> list[float]:
    return [value for each in series if (value := each[place]) is not None and isfinite(value)]
