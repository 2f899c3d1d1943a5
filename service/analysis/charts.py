"""Learning curves as a picture: accuracy and loss side by side, every run in a colour of its own.

matplotlib is used through its objects alone (no pyplot, no settings of the process), so that threads can draw at once.
Lengths are inches, measured from the lower left corner.
"""

import io
import re
from collections.abc import Mapping, Sequence
from math import inf, isnan, nan
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from service.domain.curves import CurveSeries, Finding, LearningCurves, Severity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

CHALK, SLATE, PENCIL, RULE = "#FCFBF8", "#2B3740", "#6C7780", "#E4E2DB"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#A6488A", "#C98A00", "#4BA3D9", "#2B3740")
"""After Okabe and Ito, "Color universal design" (2008): told apart with any colour vision, darkened for chalk."""
MEASURES = ("accuracy", "loss")
LOGARITHMIC_FROM = 100
"""Losses whose largest is this many times their smallest are drawn on a logarithmic axis."""

TRAINING: dict[str, Any] = {"linewidth": 1.3, "linestyle": (0, (3.5, 2)), "alpha": 0.75, "marker": "o", "markersize": 4}
VALIDATION: dict[str, Any] = {"linewidth": 2.2, "linestyle": "solid", "marker": "o", "markersize": 5}
BEST: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 8,
    "markerfacecolor": CHALK,
    "markeredgewidth": 1.8,
}
BAND_ALPHA = 0.16
STRIPE: dict[str, Any] = {"linewidth": 3.0, "alpha": 0.45, "solid_capstyle": "butt"}
STRIPE_HEIGHT = 0.024
"""Of the panel: how far one is above the other."""
MOST_STRIPES = 6

LARGEST, SMALLEST = 1e40, 1e-40
"""Outside of them matplotlib overflows: a larger loss is drawn at the largest, a smaller keeps the axis linear."""

DOTS_PER_INCH = 144
WIDTH, HEIGHT = 14.0, 5.2
LEFT, TOP, BOTTOM = 0.7, 0.95, 0.65
PANEL_WIDTH, PANEL_GAP = 3.9, 0.75
LEGEND, ROW = LEFT + 2 * PANEL_WIDTH + PANEL_GAP + 0.45, 0.27
NAME_COLUMN, ACCURACY_COLUMN, EPOCH_COLUMN = LEGEND + 0.45, WIDTH - 1.05, WIDTH - 0.35
"""The names begin at theirs, the numbers end at theirs."""


class _Run(NamedTuple):
    """What is drawn of one run."""

    name: str
    colour: str
    curves: LearningCurves
    band: tuple[CurveSeries, CurveSeries] | None = None

    def values(self, series: str) -> list[float]:
        """NaN, where a line has its gap, for null."""
        return _drawable(getattr(self.curves.series, series))

    def best(self, measure: str) -> tuple[int, float] | None:
        """The best epoch and its validation figure."""
        series: tuple[float | None, ...] = getattr(self.curves.series, f"val_{measure}")
        for epoch, value in zip(self.curves.epochs, series, strict=True):
            if epoch == self.curves.best_epoch and value is not None:
                return epoch, min(value, LARGEST)
        return None


def _drawable(values: Sequence[float | None]) -> list[float]:
    return [nan if value is None else min(value, LARGEST) for value in values]


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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    named = zip(curves_by_name.items(), colours(len(curves_by_name)), strict=True)
    runs = [_Run(name, colour, curves, bands.get(name)) for (name, curves), colour in named]
    commented = runs[0].curves.findings if len(runs) == 1 else ()
    problems = [each for each in commented if each.severity is not Severity.INFO][:MOST_STRIPES]
    height = max(HEIGHT, TOP + BOTTOM + ROW * (len(runs) + 4 + (len(problems) + 1 if problems else 0)))
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS_PER_INCH, facecolor=CHALK)
    FigureCanvasAgg(figure)  # keeps what measures a text; without, each one is measured on a new sheet
    for column, measure in enumerate(MEASURES):
        left = LEFT + column * (PANEL_WIDTH + PANEL_GAP)
        panel = (left / WIDTH, BOTTOM / height, PANEL_WIDTH / WIDTH, (height - TOP - BOTTOM) / height)
        axes = figure.add_axes(panel)
        _draw_panel(axes, runs, measure=measure)
        _draw_stripes(axes, problems)
    _write(figure, LEFT, height - 0.42, title, until=WIDTH - 0.35, color=SLATE, size=14, weight="bold")
    _draw_legend(figure, runs, problems, top=height - TOP + 0.12)
    return as_svg(figure) if format == "svg" else as_png(figure)


def colours(runs: int) -> tuple[str, ...]:
    """The palette; when it does not suffice, steps from dark to light, which need no hue to be told apart."""
    if runs <= len(PALETTE):
        return PALETTE[:runs]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return tuple(to_hex(colormaps["viridis"](0.9 * number / (runs - 1))) for number in range(runs))


def _draw_panel(axes: "Axes", runs: list[_Run], *, measure: str) -> None:
    for run in runs:
        if run.band is not None:
            below, above = (_drawable(getattr(series, f"val_{measure}")) for series in run.band)
            axes.fill_between(run.curves.epochs, below, above, color=run.colour, linewidth=0, alpha=BAND_ALPHA)
        _draw_line(axes, run, f"train_{measure}", **TRAINING)
        _draw_line(axes, run, f"val_{measure}", **VALIDATION)
        best = run.best(measure)
        if best is not None:
            axes.plot(*best, color=run.colour, zorder=5, **BEST)
    drawn = [value for run in runs for half in ("train", "val") for value in run.values(f"{half}_{measure}")]
    finite = [value for value in drawn if not isnan(value)]
    logarithmic = measure == "loss" and bool(finite) and SMALLEST < min(finite) <= max(finite) / LOGARITHMIC_FROM
    _style(axes, heading=measure.capitalize() + (", logarithmic" if logarithmic else ""))
    _scale_epochs(axes, last=max((epoch for run in runs for epoch in run.curves.epochs), default=0))
    if logarithmic:
        _scale_logarithmically(axes)
    elif measure == "accuracy":
        axes.set_ylim(max(axes.get_ylim()[0], -0.02), min(axes.get_ylim()[1], 1.02))
    if not finite:
        axes.set_yticks([])
        message = "no finite value" if drawn else "no epoch yet"
        axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", color=PENCIL, size=11)


def _draw_line(axes: "Axes", run: _Run, series: str, **look: Any) -> None:
    """A line, with points where a value has no neighbour to be joined to."""
    values = run.values(series)
    there = [False, *(not isnan(value) for value in values), False]
    alone = [at for at in range(len(values)) if there[at + 1] and not there[at] and not there[at + 2]]
    axes.plot(run.curves.epochs, values, color=run.colour, markevery=alone, **look)


def _draw_stripes(axes: "Axes", problems: Sequence[Finding]) -> None:
    """One above the other in the order of the legend, from half an epoch before to half an epoch behind."""
    for row, each in enumerate(reversed(problems)):
        first, last = each.epochs
        place, where = STRIPE_HEIGHT * (row + 1), axes.get_xaxis_transform()
        axes.plot([first - 0.5, last + 0.5], [place, place], transform=where, color=PENCIL, zorder=1, **STRIPE)


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


def _draw_legend(figure: "Figure", runs: list[_Run], problems: Sequence[Finding], *, top: float) -> None:
    """A table: the run's line, its name, the validation accuracy of its best epoch, that epoch; then the key, and what
    the stripes tell of.
    """
    quiet: dict[str, Any] = {"color": PENCIL, "size": 9}
    if runs:
        _write(figure, ACCURACY_COLUMN, top, "val. accuracy", ha="right", **quiet)
        _write(figure, EPOCH_COLUMN, top, "at epoch", ha="right", **quiet)
    for row, run in enumerate(runs, start=1):
        y, best = top - row * ROW, run.best("accuracy")
        accuracy, epoch = ("–", "–") if best is None else (f"{best[1]:.4f}", str(best[0]))
        _sample(figure, y, color=run.colour, **VALIDATION)
        _write(figure, NAME_COLUMN, y, run.name, until=ACCURACY_COLUMN - 0.65, color=SLATE, size=9.5)
        _write(figure, ACCURACY_COLUMN, y, accuracy, ha="right", color=SLATE, size=9.5)
        _write(figure, EPOCH_COLUMN, y, epoch, ha="right", color=SLATE, size=9.5)
    key = {"validation": VALIDATION, "training": TRAINING, "best epoch": BEST}
    for row, (text, look) in enumerate(key.items(), start=len(runs) + 2):
        _sample(figure, top - row * ROW, color=PENCIL, **look)
        _write(figure, NAME_COLUMN, top - row * ROW, text, **quiet)
    for row, each in enumerate(problems, start=len(runs) + len(key) + 3):
        first, last = each.epochs
        when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
        _sample(figure, top - row * ROW, color=PENCIL, **STRIPE)
        _write(figure, NAME_COLUMN, top - row * ROW, f"{each.kind.replace('_', ' ')}, {when}", **quiet)


def _sample(figure: "Figure", y: float, **look: Any) -> None:
    """A piece of line in front of a row of the legend; of a look without line, one marker."""
    from matplotlib.lines import Line2D

    xs = [LEGEND + 0.16] if look.get("linestyle") == "none" else [LEGEND, LEGEND + 0.32]
    line = Line2D(xs, [y + 0.045] * len(xs), transform=figure.dpi_scale_trans, **look)
    line.set_markevery(None if len(xs) == 1 else [])
    figure.add_artist(line)


def _write(figure: "Figure", x: float, y: float, text: str, *, until: float | None = None, **look: Any) -> None:
    """A line of text; one that would reach beyond `until` is shortened in the middle."""
    text = printable(text)
    artist = figure.text(x, y, text, transform=figure.dpi_scale_trans, parse_math=False, **look)
    available = inf if until is None else (until - x) * figure.dpi
    kept = len(text)
    while kept > 1 and _width(artist) > available:
        kept = min(kept - 1, int(kept * available / _width(artist)) + 1)
        artist.set_text(f"{text[: kept // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}")


def _width(artist: "Text") -> float:
    return artist.get_window_extent().width


def printable(text: str) -> str:
    """On one line, a box for each character that the font has no shape for."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    return "".join(letter if font.get_char_index(ord(letter)) else "□" for letter in " ".join(text.split()))


def as_png(figure: "Figure") -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def as_svg(figure: "Figure") -> bytes:
    """Without the date, and with matplotlib's random identifiers numbered in the order in which they appear."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found.group(), f"{found.group()[0]}{len(numbers)}")

    return re.sub(r'(?<=["#])[hmp][0-9a-f]{10}(?=[")])', number, file.getvalue().decode()).encode()
