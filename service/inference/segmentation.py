"""The digits on one picture, each by itself, in reading order.

Connected parts of the ink; small parts join the one that they belong to, as the bar of a broken 5 does; what is much
wider than high is cut where the ink is thinnest, for digits that touch. Lines are told apart by overlap from top to
bottom. What is not found: digits that touch with long strokes, one inside another, and rows that slope by more than
half of their height.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.errors import InvalidImageError
from service.inference import ink
from service.inference.ink import Box

MOST_DIGITS = 64
MOST_PARTS = 2_000
"""Before small ones are joined or left out: past it the picture is no handwriting."""
INKED = 0.3
"""Of full strength: thinner bridges between two digits do not join them."""
SMALL = 0.6
"""A part lower than this share of the usual height may belong to another."""
DIRT = 0.3
"""A part lower and narrower than this share of the usual height, and by itself, is no digit."""
WIDE = 1.35
"""A part this many times as wide as it is high holds more than one digit."""
THIN = 0.4
"""Of the ink in a part's fullest column: where there is more than this, nothing is cut."""


@dataclass(frozen=True)
class Piece:
    """One digit: bright ink on a ground of 0, `(height, width)` in 0..255, with a margin around it."""

    pixels: np.ndarray
    box: Box
    """In pixels of the image that was given."""
    line: int
    inverted: bool


def find(image: np.ndarray) -> tuple[Piece, ...]:
    """The digits on a picture `(height, width)` in 0..255, from left to right, line by line.

    `InvalidImageError` where there are more than `MOST_DIGITS`.
    """
    from scipy import ndimage

    grey = image.astype(np.float32)
    inverted = ink.is_dark_on_light(grey)
    found = ink.find(255 - grey if inverted else grey)
    if found is None:
        return ()
    labels, count = ndimage.label(found.strength > INKED, structure=np.ones((3, 3)))
    if count > MOST_PARTS:
        raise InvalidImageError(f"{count} separate shapes are no line of digits; allowed: {MOST_DIGITS} digits")
    parts = [_Part.of((number + 1,), place) for number, place in enumerate(ndimage.find_objects(labels))]
    lines = _lines(_joined(parts))
    # Each pixel of faint edge belongs to the nearest part, so that neighbours do not show in each other's pictures.
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    owners = labels[tuple(nearest)]
    pieces = tuple(
        _piece(found, owners, labels, part, line=number, inverted=inverted)
        for number, line in enumerate(lines)
        for whole in line
        for part in _cut(whole, found.strength, labels)
    )
    if len(pieces) > MOST_DIGITS:
        raise InvalidImageError(f"{len(pieces)} digits on one picture are too many; allowed: {MOST_DIGITS}")
    return pieces


@dataclass(frozen=True)
class _Part:
    """Connected ink, or several such: its labels, and its box's edges."""

    labels: tuple[int, ...]
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, labels: tuple[int, ...], place: tuple[slice, slice]) -> "_Part":
        rows, columns = place
        return cls(labels, columns.start, rows.start, columns.stop, rows.stop)

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def with_part(self, other: "_Part") -> "_Part":
        return _Part(
            (*self.labels, *other.labels),
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Small parts joined to what they belong to, the others as they are; dirt left out."""
    highest = max(part.height for part in parts)
    usual = float(np.median([part.height for part in parts if part.height > highest / 3]))
    wholes = [part for part in parts if part.height >= SMALL * usual]
    for small in sorted((part for part in parts if part.height < SMALL * usual), key=lambda part: -part.height):
        at = min(range(len(wholes)), key=lambda each: _apart(wholes[each], small), default=None)
        if at is not None and _belong(wholes[at], small, usual):
            wholes[at] = wholes[at].with_part(small)
        elif max(small.height, small.width) >= DIRT * usual:
            wholes.append(small)
    return wholes


def _apart(one: _Part, other: _Part) -> float:
    across = max(one.left, other.left) - min(one.right, other.right)
    down = max(one.top, other.top) - min(one.bottom, other.bottom)
    return float(np.hypot(max(0, across), max(0, down)))


def _belong(whole: _Part, small: _Part, usual: float) -> bool:
    """Above, below or within it and near; or beside it with hardly a gap."""
    together = whole.with_part(small)
    if together.height > 1.5 * usual or together.width > 1.3 * max(usual, whole.width):
        return False
    over = min(whole.right, small.right) - max(whole.left, small.left)
    gap = _apart(whole, small)
    return gap <= 0.3 * usual if over >= 0.3 * small.width else gap <= 0.12 * usual


def _lines(parts: Sequence[_Part]) -> list[list[_Part]]:
    """From top to bottom; in each, from left to right."""
    lines: list[list[_Part]] = []
    for part in sorted(parts, key=lambda each: -each.height):
        for line in lines:
            top = float(np.mean([each.top for each in line]))
            bottom = float(np.mean([each.bottom for each in line]))
            shared = min(bottom, part.bottom) - max(top, part.top)
            if shared >= 0.5 * min(part.height, bottom - top):
                line.append(part)
                break
        else:
            lines.append([part])
    lines.sort(key=lambda line: float(np.mean([each.top + each.bottom for each in line])))
    return [sorted(line, key=lambda part: part.left) for line in lines]


def _cut(part: _Part, strength: np.ndarray, labels: np.ndarray) -> list[_Part]:
    """In two where it is so wide that it must be, at the thinnest place about its middle, and each of the two again."""
    if part.width < WIDE * part.height:
        return [part]
    inside = (slice(part.top, part.bottom), slice(part.left, part.right))
    own = np.where(np.isin(labels[inside], part.labels), strength[inside], 0)
    columns = own.sum(0)
    first, last = part.width // 4, part.width - part.width // 4
    thinnest = columns[first:last].min()
    if thinnest > THIN * columns.max():
        return [part]
    # Of equally thin columns the one in the middle, so that a bridge is cut in half.
    thin = np.flatnonzero(columns[first:last] <= thinnest + 0.02 * columns.max())
    at = first + int(thin[len(thin) // 2])
    # Cut off alone, the bar of a 7 or the foot of a 2 is low: then it was one digit, and a wide one.
    heights = [(side > INKED).any(1).sum() for side in (own[:, :at], own[:, at:])]
    if min(heights) < SMALL * part.height:
        return [part]
    halves = (replace(part, right=part.left + at), replace(part, left=part.left + at))
    return [each for half in halves for each in _cut(half, strength, labels)]


def _piece(found: ink.Ink, owners: np.ndarray, labels: np.ndarray, part: _Part, *, line: int, inverted: bool) -> Piece:
    inside = (slice(part.top, part.bottom), slice(part.left, part.right))
    rows, columns = (np.flatnonzero(np.isin(labels[inside], part.labels).any(axis)) for axis in (1, 0))
    top, bottom = part.top + int(rows[0]), part.top + int(rows[-1]) + 1
    left, right = part.left + int(columns[0]), part.left + int(columns[-1]) + 1
    margin = max(2, round(0.05 * max(bottom - top, right - left)))
    height, width = found.strength.shape
    # To its sides a part that was cut ends at the cut: beyond it the ink is its neighbour's.
    across = 0 if (part.right - part.left) < _width(labels, part) else margin
    y0, y1 = max(0, top - margin), min(height, bottom + margin)
    x0, x1 = max(0, left - across), min(width, right + across)
    window = (slice(y0, y1), slice(x0, x1))
    own = np.where(np.isin(owners[window], part.labels), found.strength[window], 0)
    box = (left * found.step, top * found.step, (right - left) * found.step, (bottom - top) * found.step)
    return Piece(pixels=np.pad(255 * own, margin).astype(np.float32), box=box, line=line, inverted=inverted)


def _width(labels: np.ndarray, part: _Part) -> int:
    """Of all that has these labels, which is more than the part where it was cut."""
    columns = np.flatnonzero(np.isin(labels[part.top : part.bottom], part.labels).any(0))
    return int(columns[-1] - columns[0]) + 1
