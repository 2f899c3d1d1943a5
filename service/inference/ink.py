"""Where the ink is on an image, and how strong."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from service.inference import components

WORKING_SIDE = 512
GRID_SIDE = 128
"""Parts are told apart on the image reduced to this side."""

FAINT_LEVELS = 3.0
"""Ink that differs from its ground by fewer of 255 levels is no ink."""
SPECK = 0.04
"""A part with less than this of the largest part's area is dirt, not ink."""
RIVAL = 0.35
"""A part with more than this of the largest part's area may be a digit of its own."""

LOW_CONTRAST = "The contrast is very low."
TOUCHES_BORDER = "The ink touches the border: a part of the digit may be missing."
SEPARATE_SHAPES = "There are several separate shapes: they were read as one digit."
TINY = "The digit is only a few pixels large."
NO_INK = "No ink was found: the image is blank."

Box = tuple[int, int, int, int]
"""Left, top, width, height."""


@dataclass(frozen=True)
class Ink:
    """Ink on nothing: `strength` is (height, width) in 0..1, `box` its left, top, width and height there.

    `step` pixels of the image went into one, each way.
    """

    strength: np.ndarray
    box: Box
    step: int
    warnings: tuple[str, ...]


def is_dark_on_light(image: np.ndarray) -> bool:
    """Whether what differs from the ground at the border is darker than it.

    By the third moment about the border's median: noise and shading cancel out, and a few strokes weigh more than both.
    """
    difference = image - np.median(border(image, 1))
    cubes = difference * difference * difference  # as a power it takes three times as long
    return bool(cubes.sum(dtype=np.float64) < 0)


def find(image: np.ndarray) -> Ink | None:
    """Find bright ink on a dark, perhaps shaded and noisy ground, (height, width); None where there is none."""
    step = max(1, -(-max(image.shape) // WORKING_SIDE))
    signal, noise = _above_ground(_reduced(image, step))
    cell = max(1, -(-max(signal.shape) // GRID_SIDE))
    # The strongest place of the smoothed image: a lone bright pixel does not count for ink.
    peak = float(_smoothed(signal, cell).max())
    if peak < max(FAINT_LEVELS, 5 * noise / cell):
        return None
    level = _level(signal, start=peak / 2, least=4 * noise)
    # Half of full strength is surely ink; half of that is, where it hangs together with such (Canny's hysteresis).
    edge = signal > max(level / 4, 4 * noise)
    labels, count = components.label(_reduced(edge.astype(np.float32), cell) > 0.2)
    sure = np.bincount(labels[_reduced((signal > level / 2).astype(np.float32), cell) > 0.2], minlength=count + 1)
    if not sure[1:].any():
        return None
    areas = np.where(sure > 0, np.bincount(labels.ravel(), minlength=count + 1), 0)[1:]
    keep = np.concatenate(([False], areas >= SPECK * areas.max()))
    near = _spread(_grown(keep[labels]), cell, signal.shape)
    box = bounds(edge & near)
    if box is None:
        return None
    low = max(0.1 * level, 2.5 * noise)
    strength = np.where(near, np.clip((signal - low) / max(0.9 * level - low, 1e-3), 0, 1), 0)
    found = _warnings(level=level, box=box, shape=signal.shape, step=step, labels=labels, areas=areas)
    return Ink(strength, box, step, found)


def _level(signal: np.ndarray, *, start: float, least: float) -> float:
    """The mean of the ink above a threshold halfway up to it (Ridler and Calvard, 1978, with the ground at 0)."""
    threshold = max(start, least)
    for _ in range(20):
        above = signal[signal > threshold]
        before = threshold
        if above.size:
            threshold = max(float(above.mean()) / 2, least)
        if abs(threshold - before) < 0.1:
            break
    return 2 * threshold


def _above_ground(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The image less its ground, nothing below 0, and the ground's noise (standard deviation).

    The ground is a plane through the border, fitted three times, each time without what is far from the last plane.
    """
    width = max(1, min(image.shape) // 50)
    places: np.ndarray = np.indices(image.shape, dtype=np.float32)
    ys_at, xs_at = places
    values, ys, xs = (border(each, width).astype(np.float64) for each in (image, ys_at, xs_at))
    if min(image.shape) < 32:  # too few pixels to tell shading from ink at the border
        ground: np.ndarray = np.asarray(np.median(values))
        rest = values - ground
    else:
        terms = np.stack([np.ones_like(ys), ys, xs], axis=1)
        close = np.abs(values - np.median(values)) <= np.median(np.abs(values - np.median(values))) * 4 + 8
        for _ in range(3):
            plane = np.linalg.lstsq(terms[close], values[close], rcond=None)[0]
            rest = values - terms @ plane
            close = np.abs(rest) <= max(2.5 * 1.4826 * float(np.median(np.abs(rest))), 1.0)
        ground = plane[0] + plane[1] * ys_at + plane[2] * xs_at
    noise = 1.4826 * float(np.median(np.abs(rest)))
    return np.clip(image - ground, 0, None).astype(np.float32), noise


def _warnings(
    *, level: float, box: Box, shape: tuple[int, ...], step: int, labels: np.ndarray, areas: np.ndarray
) -> tuple[str, ...]:
    left, top, width, height = box
    found = []
    if level < 40:
        found.append(LOW_CONTRAST)
    if left == 0 or top == 0 or left + width == shape[1] or top + height == shape[0]:
        found.append(TOUCHES_BORDER)
    if max(width, height) * step < 8:
        found.append(TINY)
    rivals = [np.flatnonzero((labels == part + 1).any(0)) for part in np.flatnonzero(areas >= RIVAL * areas.max())[:8]]
    spans = sorted((int(columns[0]), int(columns[-1])) for columns in rivals)
    if any(before[1] < after[0] for before, after in pairwise(spans)):
        found.append(SEPARATE_SHAPES)
    return tuple(found)


def border(image: np.ndarray, width: int) -> np.ndarray:
    """The pixels within `width` of an edge, those of the corners twice."""
    sides = (image[:width], image[-width:], image[:, :width], image[:, -width:])
    return np.concatenate([side.ravel() for side in sides])


def _reduced(image: np.ndarray, step: int) -> np.ndarray:
    """Means of step x step pixels; at the right and lower edge the last pixels stand for those that are missing."""
    if step == 1:
        return image
    height, width = image.shape
    padded = np.pad(image, ((0, -height % step), (0, -width % step)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    means: np.ndarray = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _smoothed(image: np.ndarray, width: int) -> np.ndarray:
    """Means of the width x width pixels around every place that has so many."""
    if width == 1 or min(image.shape) < width:
        return image
    sums = np.pad(image, ((1, 0), (1, 0))).cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    means: np.ndarray = sums[width:, width:] - sums[:-width, width:] - sums[width:, :-width] + sums[:-width, :-width]
    return means / width**2


def _grown(mask: np.ndarray) -> np.ndarray:
    """The mask and its neighbours."""
    padded = np.pad(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    grown: np.ndarray = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
    return grown


def _spread(mask: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """The opposite of `_reduced`, at the size it was made from."""
    return mask.repeat(step, axis=0).repeat(step, axis=1)[: shape[0], : shape[1]]


def bounds(mask: np.ndarray) -> Box | None:
    """Left, top, width and height of what is set."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1
