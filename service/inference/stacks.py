"""Many pictures framed together: what is asked of images of one size is asked of all of them at once.

An image that is framed already, as a test image sent back is, costs a tenth of what `preprocessing.frame` takes for it
alone; every other goes that way by itself. Each image is reckoned in a row of its own, so that its answer is the same
whatever is beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

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
    sizes = {manifest.image_size, manifest.native_size}
    by_side: dict[int, list[int]] = {}
    for number, picture in enumerate(pictures):
        height, width = picture.pixels.shape
        if height == width and height in sizes:
            by_side.setdefault(height, []).append(number)
    done: dict[int, Framed | None] = {}
    for numbers in by_side.values():
        stack = np.stack([pictures[number].pixels for number in numbers]).astype(np.float32)
        done.update(zip(numbers, _frame_stack(stack, manifest), strict=True))
    return [done.get(number) or framed(picture, manifest) for number, picture in enumerate(pictures)]


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
    inverted = _are_dark_on_light(stack)
    stack[inverted] = 255 - stack[inverted]
    kept = _are_framed(stack, native_size=manifest.native_size, framing=manifest.framing)
    return [
        preprocessing.as_it_is(grey, image_size=manifest.image_size, inverted=dark) if as_it_is else None
        for grey, dark, as_it_is in zip(stack, inverted.tolist(), kept.tolist(), strict=True)
    ]


def _are_dark_on_light(stack: np.ndarray) -> np.ndarray:
    """`ink.is_dark_on_light` of each."""
    borders = _sorted_borders(stack)
    middle = borders.shape[1] // 2
    median = (borders[:, middle - 1] + borders[:, middle]) / 2
    difference = stack.reshape(len(stack), -1) - median[:, None]
    dark: np.ndarray = (difference * difference * difference).sum(1, dtype=np.float64) < 0
    return dark


def _sorted_borders(stack: np.ndarray) -> np.ndarray:
    """Of each, its outermost pixels, `(n, 4 * side)`."""
    sides = (stack[:, 0], stack[:, -1], stack[:, :, 0], stack[:, :, -1])
    borders = np.concatenate(sides, axis=1)
    borders.sort(axis=1)
    return borders


def _are_framed(stack: np.ndarray, *, native_size: int, framing: Framing) -> np.ndarray:
    """`preprocessing.is_framed` of each, whose ink is bright."""
    count, side, _ = stack.shape
    peak = stack.reshape(count, -1).max(1)
    borders = _sorted_borders(stack)
    place = (borders.shape[1] - 1) / 4
    low = int(place)
    quarter = borders[:, low] + (borders[:, low + 1] - borders[:, low]) * (place - low)
    in_place = np.zeros(count, dtype=bool)
    for share in (1 / 32, 1 / 4):
        mask = stack > (peak * np.float32(share))[:, None, None]
        in_place |= _in_place(stack, mask, side=side, native_size=native_size, framing=framing)
    found: np.ndarray = in_place & (peak >= ink.FAINT_LEVELS) & ~(quarter > peak / 32)
    return found


def _in_place(stack: np.ndarray, mask: np.ndarray, *, side: int, native_size: int, framing: Framing) -> np.ndarray:
    columns, rows = np.asarray(mask.any(1)), np.asarray(mask.any(2))
    left, top = columns.argmax(1), rows.argmax(1)
    width = side - columns[:, ::-1].argmax(1) - left
    height = side - rows[:, ::-1].argmax(1) - top
    longer = np.maximum(width, height)
    expected = framing.box * side / native_size
    fits = (longer >= 0.9 * expected - 1) & (longer <= expected + 1)
    if framing.centre == "mass":
        places = np.arange(side) + 0.5
        across = stack.sum(1, dtype=np.float64)
        mass = np.maximum(across.sum(1), 1e-9)
        x, y = across @ places / mass, stack.sum(2, dtype=np.float64) @ places / mass
    else:
        x, y = left + width / 2, top + height / 2
    middle = preprocessing.middle_of(side, native_size, framing)
    off = np.maximum(np.abs(x - middle), np.abs(y - middle))
    found: np.ndarray = fits & (off <= preprocessing.CENTRE_TOLERANCE * side / native_size) & mask.any((1, 2))
    return found
