"""Many pictures framed together: what is asked of images of one size is asked of all of them at once.

An image that is framed already, as a test image sent back is, costs a tenth of what `preprocessing.frame` takes for it
alone; every other goes that way by itself. Each image is reckoned in a row of its own, so that its answer is the same
whatever is beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

import numpy as np

from service.domain.dataset import Framing
from service.domain.manifest import Manifest
from service.inference import ink, preprocessing
from service.inference.decode import Picture
from service.inference.predict import Framed, framed

FEW, SMALL = 32, 128 * 128
"""Pictures that are framed together, and the pixels of one above which it is framed by itself."""


def frame_all(pictures: Sequence[Picture], manifest: Manifest) -> list[Framed]:
    """What `preprocessing.frame` makes of each picture for this network, in their order."""
    kept = keep_in_place(pictures, manifest)
    return [one or framed(picture, manifest) for one, picture in zip(kept, pictures, strict=True)]


def keep_in_place(pictures: Sequence[Picture], manifest: Manifest) -> list[Framed | None]:
    """The same of those that are framed already; None for each that is to be framed by itself, which takes longer."""
    sizes = {manifest.image_size, manifest.native_size}
    by_side: dict[int, list[int]] = {}
    for number, picture in enumerate(pictures):
        height, width = picture.pixels.shape
        if height == width and height in sizes:
            by_side.setdefault(height, []).append(number)
    done: list[Framed | None] = [None] * len(pictures)
    for numbers in by_side.values():
        stack = np.array([pictures[number].pixels for number in numbers], dtype=np.float32)
        for number, one in zip(numbers, _frame_stack(stack, manifest), strict=True):
            done[number] = one
    return done


def framed_in_turn(pictures: Callable[[], Iterable[Picture]], manifest: Manifest) -> Iterator[list[Framed]]:
    """As `frame_all`, of pictures that are decoded on the way: a few small ones, or one, are in memory at a time."""
    few: list[Picture] = []
    for picture in pictures():
        few.append(picture)
        if picture.pixels.size > SMALL or len(few) == FEW:
            yield frame_all(few, manifest)
            few = []
    yield frame_all(few, manifest)


def _frame_stack(stack: np.ndarray, manifest: Manifest) -> list[Framed | None]:
    """Of `(n, side, side)`; None for what is not framed yet."""
    flat = stack.reshape(len(stack), -1)
    borders = flat[:, _border_places(stack.shape[1])]
    borders.sort(axis=1)
    inverted = _are_dark_on_light(flat, borders)
    for number in np.flatnonzero(inverted):
        stack[number] = 255 - stack[number]
        borders[number] = 255 - borders[number, ::-1]
    # A copy with the axis in front is reduced in a third of the time.
    lines = np.array([np.ascontiguousarray(stack.transpose(axes)).max(0) for axes in ((1, 0, 2), (2, 0, 1))])
    peaks = lines[0].max(1)
    kept = _are_framed(stack, borders, lines, peaks, native_size=manifest.native_size, framing=manifest.framing)
    return [
        preprocessing.as_it_is(grey, peak=peak, image_size=manifest.image_size, inverted=dark) if as_it_is else None
        for grey, peak, dark, as_it_is in zip(stack, peaks.tolist(), inverted.tolist(), kept.tolist(), strict=True)
    ]


@cache
def _border_places(side: int) -> np.ndarray:
    """Where the outermost pixels are in a flat image, those of the corners twice; `(4 * side,)`."""
    return ink.border(np.arange(side * side).reshape(side, side), 1)


def _are_dark_on_light(flat: np.ndarray, borders: np.ndarray) -> np.ndarray:
    """`ink.is_dark_on_light` of each."""
    middle = borders.shape[1] // 2
    median = (borders[:, middle - 1] + borders[:, middle]) / 2
    dark = np.zeros(len(flat), dtype=bool)
    grounds = np.flatnonzero(median)  # on a ground of 0 nothing is darker than it
    if grounds.size:
        difference = flat[grounds] - median[grounds, None]
        dark[grounds] = (difference * difference * difference).sum(1, dtype=np.float64) < 0
    return dark


def _are_framed(
    stack: np.ndarray,
    borders: np.ndarray,
    lines: np.ndarray,
    peak: np.ndarray,
    *,
    native_size: int,
    framing: Framing,
) -> np.ndarray:
    """`preprocessing.is_framed` of each, whose ink is bright.

    Its border is sorted; `lines` are the brightest of every column and of every row, `(2, n, side)`.
    """
    side = stack.shape[1]
    place = (borders.shape[1] - 1) / 4
    low = int(place)
    quarter = borders[:, low] + (borders[:, low + 1] - borders[:, low]) * (place - low)
    # Both shares of the peak at once, and both axes: (shares, axes, n, side).
    mask = lines > (peak * _SHARES)[:, None, :, None]
    first = mask.argmax(3)
    length = side - mask[..., ::-1].argmax(3) - first
    longer = length.max(1)
    expected = framing.box * side / native_size
    fits = (longer >= 0.9 * expected - 1) & (longer <= expected + 1)
    centre = _centres_of_mass(stack) if framing.centre == "mass" else first + length / 2
    off = np.abs(centre - preprocessing.middle_of(side, native_size, framing)).max(-2)
    in_place = fits & (off <= preprocessing.CENTRE_TOLERANCE * side / native_size)
    found: np.ndarray = in_place.any(0) & (peak >= ink.FAINT_LEVELS) & ~(quarter > peak / 32)
    return found


_SHARES = np.array([[1 / 32], [1 / 4]], dtype=np.float32)


def _centres_of_mass(stack: np.ndarray) -> np.ndarray:
    """From the left and from the top, `(2, n)`."""
    moments = stack.reshape(len(stack), -1).astype(np.float64) @ _moments(stack.shape[1])
    centres: np.ndarray = (moments[:, 1:] / np.maximum(moments[:, :1], 1e-9)).T
    return centres


@cache
def _moments(side: int) -> np.ndarray:
    """What a flat image is multiplied with for its mass, and that by its places across and down; `(side * side, 3)`."""
    down, across = np.indices((side, side)).reshape(2, -1) + 0.5
    return np.stack((np.ones_like(across), across, down), axis=1)
