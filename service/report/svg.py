"""Lines in panels as one SVG element, with the words of the report's language and no font or file of its own.

`analysis/charts.py` draws for files, with matplotlib; here a report with a dozen figures must be there at once, and its
letters must be letters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, isfinite, log10

from markupsafe import Markup, escape

from service.analysis.charts import LARGEST
from service.analysis.colours import PALETTE, PENCIL, RULE, SLATE

WIDTH, GAP, LEFT, RIGHT = 860, 34, 46, 10
TOP, BOTTOM, PANEL = 30, 40, 230
ROW, COLUMN_CHARACTERS = 19, 7.0
"""Height of a line of the legend; width of a letter in it, about."""

Point = tuple[float, float | None]


@dataclass(frozen=True)
class Line:
    """Points from left to right; a gap where a value is None."""

    points: Sequence[Point]
    colour: str
    dashed: bool = False
    dots: bool = False
    """Points alone, with no line between them."""
    band: Sequence[tuple[float, float, float]] = ()
    """x, and two values between which is shaded."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    heading: str
    lines: Sequence[Line]
    x: str
    logarithmic: tuple[bool, bool] = (False, False)
    """In x, in y."""
    within: tuple[float, float] | None = None
    """The least and largest that y can be."""


def draw(panels: Sequence[Panel], legend: Sequence[tuple[str, str, bool]], *, number: Callable[[float], str]) -> Markup:
    """The panels side by side, below them the legend: label, colour, dashed. `number` writes what stands at an axis."""
    rows = [*_legend(legend)]
    height = TOP + PANEL + BOTTOM + (ROW * (1 + max((row for *_, row in rows), default=-1)))
    width = (WIDTH - GAP * (len(panels) - 1)) / len(panels)
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']
    for place, panel in enumerate(panels):
        parts += _panel(panel, left=place * (width + GAP), width=width, number=number)
    for label, colour, dashed, x, row in rows:
        y = TOP + PANEL + BOTTOM + ROW * row + 6
        parts.append(_stroke([(x, y), (x + 24, y)], colour, dashed=dashed))
        parts.append(_text(x + 31, y + 4, label, colour=SLATE))
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704  # numbers, colours, and words that `_text` has escaped


def colours(count: int) -> list[str]:
    """Told apart with any colour vision; when they do not suffice they begin anew."""
    return [PALETTE[place % len(PALETTE)] for place in range(count)]


def _legend(legend: Sequence[tuple[str, str, bool]]) -> Iterator[tuple[str, str, bool, float, int]]:
    """With its place from the left and its row."""
    x, row = float(LEFT), 0
    for label, colour, dashed in legend:
        wide = 31 + COLUMN_CHARACTERS * len(label) + 22
        if x > LEFT and x + wide > WIDTH:
            x, row = float(LEFT), row + 1
        yield label, colour, dashed, x, row
        x += wide


def _panel(panel: Panel, *, left: float, width: float, number: Callable[[float], str]) -> Iterator[str]:
    points = [(x, y) for line in panel.lines for x, y in line.points if y is not None and _is_drawable(y)]
    points += [(x, y) for line in panel.lines for x, *both in line.band for y in both]
    yield _text(left + LEFT, 16, panel.heading, colour=SLATE, weight="600")
    if not points:
        return
    across = _Axis.over([x for x, _ in points], logarithmic=panel.logarithmic[0], within=None)
    up = _Axis.over([y for _, y in points], logarithmic=panel.logarithmic[1], within=panel.within, margin=0.05)
    inner = width - LEFT - RIGHT

    def at(x: float, y: float) -> tuple[float, float]:
        return left + LEFT + inner * across.share(x), TOP + PANEL * (1 - up.share(y))

    for tick in up.ticks:
        _, y = at(points[0][0], tick)
        yield _stroke([(left + LEFT, y), (left + LEFT + inner, y)], RULE, thin=True)
        yield _text(left + LEFT - 6, y + 4, number(tick), anchor="end")
    for tick in across.ticks:
        x, _ = at(tick, points[0][1])
        yield _text(x, TOP + PANEL + 16, number(tick), anchor="middle")
    yield _stroke([(left + LEFT, TOP + PANEL), (left + LEFT + inner, TOP + PANEL)], PENCIL, thin=True)
    yield _text(left + LEFT + inner / 2, TOP + PANEL + 31, panel.x, anchor="middle")
    for line in panel.lines:
        yield from _line(line, at)


def _is_drawable(value: float) -> bool:
    return isfinite(value) and abs(value) <= LARGEST


def _line(line: Line, at: Callable[[float, float], tuple[float, float]]) -> Iterator[str]:
    if line.band:
        edge = [at(x, high) for x, _, high in line.band] + [at(x, low) for x, low, _ in reversed(line.band)]
        yield f'<polygon points="{_joined(edge)}" fill="{line.colour}" opacity="0.15"/>'
    for there, stretch in groupby(line.points, key=lambda point: point[1] is not None and _is_drawable(point[1])):
        placed = [at(x, y) for x, y in stretch if y is not None and there]
        if line.dots or len(placed) == 1:
            for x, y in placed:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{line.colour}"/>'
        elif placed:
            yield _stroke(placed, line.colour, dashed=line.dashed)


def _stroke(points: Sequence[tuple[float, float]], colour: str, *, dashed: bool = False, thin: bool = False) -> str:
    dash, width = ' stroke-dasharray="4 3"' if dashed else "", 0.8 if thin else 1.3 if dashed else 2
    way = f'<polyline points="{_joined(points)}" fill="none" stroke="{colour}"'
    return f'{way} stroke-width="{width}" stroke-linejoin="round"{dash}/>'


def _text(x: float, y: float, text: str, *, colour: str = PENCIL, anchor: str = "start", weight: str = "400") -> str:
    place = f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-weight="{weight}">'
    return f"{place}{escape(text)}</text>"


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    logarithmic: bool
    ticks: Sequence[float]

    @classmethod
    def over(
        cls,
        values: Sequence[float],
        *,
        logarithmic: bool,
        within: tuple[float, float] | None,
        margin: float = 0.0,
    ) -> "_Axis":
        low, high = min(values), max(values)
        logarithmic = logarithmic and low > 0
        if logarithmic:
            low, high = low / 1.1, high * 1.1
            return cls(log10(low), log10(high), logarithmic, _decades(low, high))
        whole = all(float(value).is_integer() for value in values)
        room = margin * (high - low) or (0 if low < high else abs(low) * 0.1 or 0.5)
        low, high = low - room, high + room
        if within is not None:
            low, high = max(low, within[0]), min(high, within[1])
        if low >= high:
            low, high = low - 0.5, high + 0.5
        return cls(low, high, logarithmic, _steps(low, high, least=1.0 if whole and within is None else 0.0))

    def share(self, value: float) -> float:
        """How far along the axis, 0..1."""
        return ((log10(value) if self.logarithmic else value) - self.low) / (self.high - self.low)


def _steps(low: float, high: float, *, least: float) -> list[float]:
    """Some four to eight round numbers, this far apart at least."""
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = max(least, next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999))
    return [round(step * place, 12) for place in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 of every decade; where that makes fewer than three, more of them; of many decades some alone."""
    whole = [10.0**power for power in range(ceil(log10(low)), floor(log10(high)) + 1)]
    if len(whole) > 3:
        return whole[:: ceil(len(whole) / 6)]
    for factors in ((1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        powers = range(floor(log10(low)), ceil(log10(high)) + 1)
        found = [each for power in powers for factor in factors if low <= (each := factor * 10.0**power) <= high]
        if len(found) >= 3:
            break
    return found
