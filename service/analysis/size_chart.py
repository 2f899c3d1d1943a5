"""Test error against the number of training images, both logarithmic: a power law is a straight line."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from service.analysis import colours, figures, power_law
from service.analysis.charts import BEST
from service.analysis.colours import CHALK, PENCIL, RULE, SLATE
from service.domain.train_size import SizeCurve, TrainSizes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 8.0, 5.2
PLACE = (0.115, 0.115, 0.865, 0.79)
"""Of the axes on the sheet, in shares of it: left, bottom, width, height."""
SMALLEST_ERROR = 1e-6
"""What is drawn in place of 0, which has no place on a logarithmic axis."""


def draw(sizes: TrainSizes, *, format: Literal["png", "svg"]) -> bytes:  # noqa: A002  # as in a query
    """Means with their intervals, the fitted law as a line, dashed where it is extrapolated; ringed: the full size."""
    figure = figures.blank(WIDTH, HEIGHT)
    axes = figure.add_axes(PLACE)
    drawn = [curve for curve in sizes.curves if curve.points]
    for curve, colour in zip(drawn, colours.several(len(drawn)), strict=True):
        _draw_curve(axes, curve, colour)
    _style(axes, anything=bool(drawn))
    return figures.write(figure, format)


def _draw_curve(axes: "Axes", curve: SizeCurve, colour: str) -> None:
    sizes = [point.train_size for point in curve.points]
    means = [max(point.test_error.mean, SMALLEST_ERROR) for point in curve.points]
    ends = [point.test_error.interval or (mean, mean) for point, mean in zip(curve.points, means, strict=True)]
    below = [mean - max(low, mean / 10) for mean, (low, _) in zip(means, ends, strict=True)]
    above = [max(high - mean, 0.0) for mean, (_, high) in zip(means, ends, strict=True)]
    label = figures.printable(curve.label)
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 6, "capsize": 3, "color": colour}
    axes.errorbar(sizes, means, yerr=np.array([np.maximum(below, 0), above]), label=label.replace("$", r"\$"), **look)
    law = curve.fit
    if law is None:
        return
    inside = np.geomspace(sizes[0], sizes[-1], 100)
    axes.plot(inside, [power_law.at(law, each) for each in inside], color=colour, linewidth=2)
    if law.full.extrapolated:
        beyond = np.geomspace(sizes[-1], law.full.train_size, 50)
        axes.plot(beyond, [power_law.at(law, each) for each in beyond], color=colour, linestyle=(0, (3.5, 2)))
        axes.scatter(law.full.train_size, law.full.test_error, edgecolors=colour, **BEST)


def _style(axes: "Axes", *, anything: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_title("Test error by number of training images", loc="left", pad=9, color=SLATE, size=12, weight="bold")
    axes.set_facecolor(CHALK)
    axes.set_xlabel("training images", color=PENCIL, size=9)
    axes.set_ylabel("test error", color=PENCIL, size=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(PENCIL)
    if not anything:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no completed run", transform=axes.transAxes, ha="center", va="center", color=PENCIL)
        return
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis, text in ((axes.xaxis, "{:,.0f}"), (axes.yaxis, "{:.3g} %")):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
        axis.set_minor_locator(NullLocator())
        scale = 1 if axis is axes.xaxis else 100
        axis.set_major_formatter(FuncFormatter(lambda value, _, text=text, scale=scale: text.format(scale * value)))
    axes.set_axisbelow(True)
    axes.grid(visible=True, color=RULE, linewidth=0.8)
    axes.tick_params(color=PENCIL, labelcolor=PENCIL, labelsize=9)
    axes.legend(frameon=False, labelcolor=SLATE, fontsize=9)
