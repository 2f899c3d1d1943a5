"""MNIST's digits as people send them: every way takes one `(28, 28)`, bright on black, and gives a picture."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from service.inference.decode import decode

Way = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def clean(digit: np.ndarray, _random: np.random.Generator) -> np.ndarray:
    """As it is."""
    return digit


def shifted(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Anywhere on a sheet of twice the size."""
    sheet = np.zeros((56, 56), dtype=np.uint8)
    top, left = random.integers(0, 29, 2)
    sheet[top : top + 28, left : left + 28] = digit
    return sheet


def scaled(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """To 16 to 400 pixels a side."""
    return _resized(digit, int(random.integers(16, 401)))


def inverted(digit: np.ndarray, _random: np.random.Generator) -> np.ndarray:
    """Dark on light."""
    return 255 - digit


def thickened(digit: np.ndarray, _random: np.random.Generator) -> np.ndarray:
    """As by a felt pen: at eight times the size, strokes 16 pixels thicker, 2 of a digit's own."""
    return np.asarray(Image.fromarray(_resized(digit, 224)).filter(ImageFilter.MaxFilter(17)))


def noisy(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """At four times the size, with noise of a deviation of 25 of 255 levels."""
    large = np.pad(_resized(digit, 112), 14).astype(np.float64)
    return (large + random.normal(0, 25, large.shape)).clip(0, 255).astype(np.uint8)


def on_grey_paper(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A pencil on grey paper that is lit from one side, with a little noise."""
    page = np.pad(_resized(digit, 150), 40) / 255.0
    light = 180 + 40 * (np.indices(page.shape)[1] / page.shape[1] - 0.5)
    lit: np.ndarray = light - 120 * page + random.normal(0, 8, page.shape)
    return lit.clip(0, 255).astype(np.uint8)


def as_jpeg(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Dark on light on a larger sheet, and through a JPEG of quality 40."""
    page = Image.new("L", (400, 420), 255)
    page.paste(Image.fromarray(_resized(255 - digit, 280)), tuple(random.integers(0, 120, 2).tolist()))
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=40)
    return decode(buffer.getvalue()).pixels


WAYS: dict[str, Way] = {
    each.__name__: each for each in (clean, shifted, scaled, inverted, thickened, noisy, on_grey_paper, as_jpeg)
}
WITHIN_TWO_POINTS = ("shifted", "scaled", "inverted")
"""What the service promises to read as well as the clean images, to two points."""


def line(digits: list[np.ndarray], random: np.random.Generator, *, gap: int, factor: int = 4) -> np.ndarray:
    """Digits from left to right, their ink `gap` pixels apart (below 0 they overlap), at different heights."""
    cut = [_ink(_resized(digit, 28 * factor)) for digit in digits]
    height = 28 * factor + 20
    width = sum(each.shape[1] for each in cut) + gap * (len(cut) - 1) + 60
    page, left = np.zeros((height + 40, width), dtype=np.uint8), 30
    for each in cut:
        top = 20 + (height - each.shape[0]) // 2 + int(random.integers(-2 * factor, 2 * factor + 1))
        place = page[top : top + each.shape[0], left : left + each.shape[1]]
        np.maximum(place, each, out=place)
        left += each.shape[1] + gap
    return page


def page(lines: list[list[np.ndarray]], random: np.random.Generator) -> np.ndarray:
    """Lines below each other, dark on light."""
    drawn = [line(each, random, gap=int(random.integers(12, 30))) for each in lines]
    width = max(each.shape[1] for each in drawn)
    return 255 - np.concatenate([np.pad(each, ((0, 0), (0, width - each.shape[1]))) for each in drawn])


def _resized(digit: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))


def _ink(image: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero((image > 40).any(1)), np.flatnonzero((image > 40).any(0))
    cut: np.ndarray = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut
