"""What a sweep lays over its base: the values of the grid, and those that are drawn.

Each path is drawn by a generator of its own, made from the sweep's `sample_seed` and the path's name: more samples
begin with the same ones, and one more path leaves the others as they were. Random samples find good settings sooner
than a grid of as many, as each tries another value of the settings that matter: Bergstra and Bengio, "Random search
for hyper-parameter optimization", JMLR 13 (2012).
"""

from collections.abc import Collection, Mapping, Sequence
from math import ceil, exp, floor, log
from random import Random
from typing import Any, NamedTuple

from service.domain.field_errors import pointer
from service.domain.sweep import Draw, Scale, SweepRequest

DIGITS = 4
"""Of a drawn number: enough to try settings with, and few enough to be read and typed again."""


class Option(NamedTuple):
    """A value that can be laid over the base, and where in the request it comes from."""

    value: Any
    pointer: str
    of_a_range: bool = False


Options = Mapping[str, Sequence[Option]]
"""By path: the values of the grid, or those of every sample in turn."""


def options(request: SweepRequest, *, whole: Collection[str]) -> Options:
    """All that can be laid over the base; `whole` are the paths whose fields take whole numbers alone."""
    gridded = {
        path: tuple(Option(value, pointer(("grid", path, index))) for index, value in enumerate(values))
        for path, values in request.grid.items()
    }
    return gridded | {path: _drawn(request, path, whole=path in whole) for path in request.random}


def _drawn(request: SweepRequest, path: str, *, whole: bool) -> tuple[Option, ...]:
    """One option a sample. Of a generator only `random()` is used: its numbers are the same in every Python."""
    generator, draw = Random(f"{request.sample_seed} {path}"), request.random[path]  # noqa: S311  # nothing to hide
    chances = [generator.random() for _ in range(request.samples or 0)]
    if draw.values is not None:
        chosen = [int(chance * len(draw.values)) for chance in chances]
        return tuple(Option(draw.values[index], pointer(("random", path, index))) for index in chosen)
    number = _whole if whole else _real
    return tuple(Option(number(draw, chance), pointer(("random", path)), of_a_range=True) for chance in chances)


def _real(draw: Draw, chance: float) -> float:
    low, high = _bounds(draw)
    return min(max(float(f"{_between(draw.scale, low, high, chance):.{DIGITS}g}"), low), high)


def _whole(draw: Draw, chance: float) -> int:
    """Both ends as likely as what lies between: on a ruler that begins and ends half a unit further out."""
    low, high = whole_bounds(draw)
    return int(min(max(round(_between(draw.scale, low - 0.5, high + 0.5, chance)), low), high))


def _between(scale: Scale, low: float, high: float, chance: float) -> float:
    if scale is Scale.LOG:
        return exp(log(low) + chance * (log(high) - log(low)))
    return low + chance * (high - low)


def whole_bounds(draw: Draw) -> tuple[int, int]:
    """The least and the largest whole number of a range; where there is none the first is above the second."""
    low, high = _bounds(draw)
    return ceil(low), floor(high)


def _bounds(draw: Draw) -> tuple[float, float]:
    if draw.low is None or draw.high is None:
        raise ValueError("a list has no bounds")
    return draw.low, draw.high
