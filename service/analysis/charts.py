"""Learning curves as a picture: accuracy and loss side by side, every run in a colour of its own.

Lines and points of a panel are one artist each: a hundred runs of three artists each took ten times as long to draw.
Lengths are inches, measured from the lower left corner.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from service.analysis import colours, figures
from service.analysis.captions import Caption, shortened
from service.analysis.colours import CHALK, PENCIL, RULE, SLATE
from service.domain.curves import CurveSeries, Finding, LearningCurves, Severity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure


class Look(NamedTuple):
    """Of a line."""

    width: float
    alpha: float = 1.0
    dashes: tuple[float, ...] | None = None


MEASURES = ("accuracy", "loss")
LOGARITHMIC_FROM = 100
"""Losses whose largest is this many times their smallest are drawn on a logarithmic axis."""

TRAINING, VALIDATION, STRIPE = Look(1.3, 0.75, (3.5, 2)), Look(2.2), Look(3.0, 0.45)
HALVES = {"train": TRAINING, "val": VALIDATION}
POINT: dict[str, Any] = {"s": 25, "linewidths": 1, "zorder": 2}
BEST: dict[str, Any] = {"s": 64, "facecolors": CHALK, "linewidths": 1.8, "zorder": 5}
BAND_ALPHA = 0.16
STRIPE_HEIGHT = 0.024
"""Of the panel: how far one is above the other."""
MOST_STRIPES = 6

LARGEST, SMALLEST = 1e40, 1e-40
"""Outside of them matplotlib overflows: a larger loss is drawn at the largest, a smaller keeps the axis linear."""

WIDTH, HEIGHT = 14.0, 5.2
LEFT, TOP, BOTTOM = 0.7, 0.95, 0.65
PANEL_WIDTH, PANEL_GAP = 3.9, 0.75
LEGEND, ROW = LEFT + 2 * PANEL_WIDTH + PANEL_GAP + 0.45, 0.27
SAMPLE, SAMPLE_HEIGHT = 0.32, 0.045
"""How long a piece of line is in the legend, and how far above its row's foot."""
NAME_COLUMN, ACCURACY_COLUMN, EPOCH_COLUMN = LEGEND + 0.45, WIDTH - 1.05, WIDTH - 0.35
"""The names begin at theirs, the numbers end at theirs."""
NAME_WIDTH, TITLE = ACCURACY_COLUMN - 0.65 - NAME_COLUMN, 0.41
"""How wide a name may be, and how far above the legend's head the title stands."""


class _Line(NamedTuple):
    points: np.ndarray
    """Epochs and values, `(n, 2)`; NaN where there is a gap."""
    colour: str
    look: Look


class _Run(NamedTuple):
    """What is drawn of one run."""

    name: str
    colour: str
    curves: LearningCurves
    band: tuple[CurveSeries, CurveSeries] | None = None

    def points(self, series: str) -> np.ndarray:
        """Of its line."""
        return np.column_stack((self.curves.epochs, _drawable(getattr(self.curves.series, series))))

    def best(self, measure: str) -> tuple[int, float] | None:
        """The best epoch and its validation figure."""
        series: tuple[float | None, ...] = getattr(self.curves.series, f"val_{measure}")
        for epoch, value in zip(self.curves.epochs, series, strict=True):
            if epoch == self.curves.best_epoch and value is not None:
                return epoch, min(value, LARGEST)
        return None


def _drawable(values: Sequence[float | None]) -> np.ndarray:
    return np.minimum(np.array(values, dtype=np.float64), LARGEST)  # None becomes NaN


def draw(
    curves_by_name: Mapping[str, LearningCurves],
    *,
    title: str,
    format: Literal["png", "svg"],  # noqa: A002 - as it is called in a query
    bands: Mapping[str, tuple[CurveSeries, CurveSeries]] = MappingProxyType({}),
) -> bytes:
    """Training dashed, validation solid, the best epoch ringed, gaps where a value was not finite.

    The legend lists the runs in their given order with the validation accuracy of their best epoch. Names and title
    are drawn as they stand, never read as mathematics. The same curves give the same file, byte for byte. `bands` are
    what is shaded around the validation curve of a name: a series below it and one above. Of a single
    run's findings, those that tell of a problem have a stripe over their epochs at the foot of each panel.
    """
    named = zip(curves_by_name.items(), colours.several(len(curves_by_name)), strict=True)
    runs = [_Run(name, colour, curves, bands.get(name)) for (name, curves), colour in named]
    commented = runs[0].curves.findings if len(runs) == 1 else ()
    problems = [each for each in commented if each.severity is not Severity.INFO][:MOST_STRIPES]
    height = max(HEIGHT, TOP + BOTTOM + ROW * (len(runs) + 4 + (len(problems) + 1 if problems else 0)))
    figure = figures.blank(WIDTH, height)
    for column, measure in enumerate(MEASURES):
        left = LEFT + column * (PANEL_WIDTH + PANEL_GAP)
        panel = (left / WIDTH, BOTTOM / height, PANEL_WIDTH / WIDTH, (height - TOP - BOTTOM) / height)
        axes = figure.add_axes(panel)
        _draw_panel(axes, runs, measure=measure)
        _draw_stripes(axes, problems)
    captions = _draw_legend(figure, runs, problems, title=title, top=height - TOP + 0.12)
    return figures.write(figure, format, captions)


def _draw_panel(axes: "Axes", runs: Sequence[_Run], *, measure: str) -> None:
    for run in runs:
        if run.band is not None:
            below, above = (_drawable(getattr(series, f"val_{measure}")) for series in run.band)
            axes.fill_between(run.curves.epochs, below, above, color=run.colour, linewidth=0, alpha=BAND_ALPHA)
    lines = [
        _Line(run.points(f"{half}_{measure}"), run.colour, look)
        for run in runs
        for half, look in HALVES.items()
        if run.curves.epochs
    ]
    _draw_lines(axes, lines)
    rings = [(best, run.colour) for run in runs if (best := run.best(measure)) is not None]
    if rings:
        points, edges = zip(*rings, strict=True)
        axes.scatter(*zip(*points, strict=True), edgecolors=edges, **BEST)
    values = np.concatenate([line.points[:, 1] for line in lines]) if lines else np.empty(0)
    finite = values[~np.isnan(values)]
    lowest, highest = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    logarithmic = measure == "loss" and SMALLEST < lowest <= highest / LOGARITHMIC_FROM
    _style(axes, heading=measure.capitalize() + (", logarithmic" if logarithmic else ""))
    _scale_epochs(axes, last=max((epoch for run in runs for epoch in run.curves.epochs), default=0))
    if not len(finite):
        axes.set_yticks([])
        message = "no finite value" if lines else "no epoch yet"
        axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", color=PENCIL, size=11)
        return
    axes.update_datalim([(1, lowest), (1, highest)])
    if logarithmic:
        _scale_logarithmically(axes)
    axes.autoscale_view(scalex=False)
    if measure == "accuracy":
        axes.set_ylim(max(axes.get_ylim()[0], -0.02), min(axes.get_ylim()[1], 1.02))


def _draw_lines(axes: "Axes", lines: Sequence[_Line]) -> None:
    """With points where a value has no neighbour to be joined to."""
    from matplotlib.colors import to_rgba

    axes.add_collection(_strokes(lines), autolim=False)
    alone = [(point, to_rgba(line.colour, line.look.alpha)) for line in lines for point in _alone(line.points)]
    if alone:
        points, filled = zip(*alone, strict=True)
        axes.scatter(*zip(*points, strict=True), color=filled, **POINT)


def _alone(points: np.ndarray) -> np.ndarray:
    there = np.pad(~np.isnan(points[:, 1]), 1)
    alone: np.ndarray = points[there[1:-1] & ~there[:-2] & ~there[2:]]
    return alone


def _strokes(lines: Sequence[_Line], **placed: Any) -> "LineCollection":
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    return LineCollection(
        [line.points for line in lines],
        colors=[to_rgba(line.colour, line.look.alpha) for line in lines],
        linewidths=[line.look.width for line in lines],
        linestyles=[(0, line.look.dashes) for line in lines],
        joinstyle="round",
        **placed,
    )


def _draw_stripes(axes: "Axes", problems: Sequence[Finding]) -> None:
    """One above the other in the order of the legend, from half an epoch before to half an epoch behind."""
    stripes = []
    for row, each in enumerate(reversed(problems), start=1):
        first, last = each.epochs
        place = STRIPE_HEIGHT * row
        stripes.append(_Line(np.array([(first - 0.5, place), (last + 0.5, place)]), PENCIL, STRIPE))
    axes.add_collection(_strokes(stripes, transform=axes.get_xaxis_transform(), zorder=1), autolim=False)


def _style(axes: "Axes", *, heading: str) -> None:
    axes.set_title(heading, loc="left", pad=9, color=SLATE, size=11)
    axes.set_facecolor(CHALK)
    axes.margins(y=0.07)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y", color=RULE, linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(PENCIL)
    axes.tick_params(axis="x", color=PENCIL, labelcolor=PENCIL, labelsize=9, length=3)
    axes.tick_params(axis="y", color=PENCIL, labelcolor=PENCIL, labelsize=9, length=0)
    axes.set_xlabel("epoch", color=PENCIL, size=9)


def _scale_epochs(axes: "Axes", *, last: int) -> None:
    from matplotlib.ticker import MaxNLocator

    margin = max(0.5 if last <= 1 else 0.0, 0.03 * (last - 1))
    axes.set_xlim(max(1 - margin, 0.5), max(last, 1) + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    if last == 0:
        axes.set_xticks([])


def _scale_logarithmically(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw_legend(
    figure: "Figure", runs: Sequence[_Run], problems: Sequence[Finding], *, title: str, top: float
) -> list[Caption]:
    """What is written: the title; below it a table, with the run's line, its name, the validation accuracy of its best
    epoch, that epoch; then the key, and what the stripes tell of.
    """
    title = shortened(figures.printable(title), EPOCH_COLUMN - LEFT, size=14, bold=True)
    captions = [Caption(LEFT, top + TITLE, title, SLATE, 14, bold=True)]
    samples: list[_Line] = []

    def sample(y: float, colour: str, look: Look) -> None:
        points = [(x, y + SAMPLE_HEIGHT) for x in (LEGEND, LEGEND + SAMPLE)]
        samples.append(_Line(np.array(points), colour, look))

    def write(y: float, name: str, *numbers: str, colour: str = PENCIL, size: float = 9) -> None:
        captions.append(
            Caption(NAME_COLUMN, y, shortened(figures.printable(name), NAME_WIDTH, size=size), colour, size)
        )
        for x, number in zip((ACCURACY_COLUMN, EPOCH_COLUMN), numbers, strict=False):
            captions.append(Caption(x, y, number, colour, size, ends=True))

    if runs:
        heads = ((ACCURACY_COLUMN, "val. accuracy"), (EPOCH_COLUMN, "at epoch"))
        captions += [Caption(x, top, head, PENCIL, 9, ends=True) for x, head in heads]
    for row, run in enumerate(runs, start=1):
        y, best = top - row * ROW, run.best("accuracy")
        accuracy, epoch = ("–", "–") if best is None else (f"{best[1]:.4f}", str(best[0]))
        sample(y, run.colour, VALIDATION)
        write(y, run.name, accuracy, epoch, colour=SLATE, size=9.5)
    for row, (half, look) in enumerate((("validation", VALIDATION), ("training", TRAINING)), start=len(runs) + 2):
        sample(top - row * ROW, PENCIL, look)
        write(top - row * ROW, half)
    y = top - (len(runs) + 4) * ROW
    ring = (LEGEND + SAMPLE / 2, y + SAMPLE_HEIGHT)
    figure.axes[0].scatter(*ring, edgecolors=PENCIL, clip_on=False, transform=figure.dpi_scale_trans, **BEST)
    write(y, "best epoch")
    for row, each in enumerate(problems, start=len(runs) + 6):
        first, last = each.epochs
        when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
        sample(top - row * ROW, PENCIL, STRIPE)
        write(top - row * ROW, f"{each.kind.replace('_', ' ')}, {when}")
    figure.add_artist(_strokes(samples, transform=figure.dpi_scale_trans))
    return captions
