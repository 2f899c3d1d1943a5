"""Pictures that are no digit, or not one, as somebody might send them: what the doctor is calibrated against.

Each kind is made from a seed, so the rates that are stated of it can be had again. All are grey, uint8, of the sizes
that people send; fonts and photographs are those that Pillow, matplotlib and scikit-learn bring along.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGHJKMNPRTUVWXYabdefhkmnprtuwxy&@#?"
"""Without those that are drawn like a digit: I, l, i, O, o, Q, S, s, Z, z, L, c, C, g, q, j, v and the like."""
Maker = Callable[[np.random.Generator], np.ndarray]


def letters(random: np.random.Generator) -> np.ndarray:
    """A letter of a font, dark on light."""
    side = int(random.integers(60, 200))
    return _written(str(random.choice(list(LETTERS))), side, random)


def words(random: np.random.Generator) -> np.ndarray:
    """Three to six letters in a row."""
    text = "".join(random.choice(list(LETTERS), int(random.integers(3, 7))))
    return _written(text, int(random.integers(40, 90)), random)


def scribbles(random: np.random.Generator) -> np.ndarray:
    """A pen that wanders, with many crossings."""
    steps = random.normal(0, 1, (int(random.integers(12, 40)), 2)).cumsum(0)
    steps = (steps - steps.min(0)) / max(float(np.ptp(steps, axis=0).max()), 1e-6)
    page = Image.new("L", (200, 200), 255)
    places = [(30 + 140 * float(x), 30 + 140 * float(y)) for x, y in steps]
    ImageDraw.Draw(page).line(places, fill=0, width=int(random.integers(4, 12)), joint="curve")
    return np.asarray(page)


def blank_sheets(random: np.random.Generator) -> np.ndarray:
    """Paper with nothing on it: one grey, at most a little noise."""
    sheet = np.full((120, 120), float(random.integers(0, 256)))
    return _grey(sheet + random.normal(0, float(random.choice([0, 1, 3])), sheet.shape))


def uniform_noise(random: np.random.Generator) -> np.ndarray:
    """All greys alike, in a data set's own size or a larger one."""
    side = int(random.choice([28, 64, 150]))
    return random.integers(0, 256, (side, side), dtype=np.uint8)


def gaussian_noise(random: np.random.Generator) -> np.ndarray:
    """About a grey in the middle."""
    side = int(random.choice([28, 64, 150]))
    return _grey(random.normal(128, 40, (side, side)))


def salt_and_pepper(random: np.random.Generator) -> np.ndarray:
    """Black with white dots, or the other way round; some as coarse as strokes."""
    cell = int(random.choice([1, 3, 6]))
    dots = random.random((28, 28)) < float(random.uniform(0.05, 0.3))
    image = np.where(dots, 255, 0).astype(np.uint8).repeat(cell, 0).repeat(cell, 1)
    return image if random.random() < 0.5 else 255 - image


def checkerboards(random: np.random.Generator) -> np.ndarray:
    """Squares of one size over the whole sheet."""
    cell = int(random.integers(3, 30))
    places = np.indices((120, 120)) // cell
    return np.where(places.sum(0) % 2, 255, 0).astype(np.uint8)


def gradients(random: np.random.Generator) -> np.ndarray:
    """Shading from one side to another, or from the middle outwards."""
    ys, xs = np.indices((100, 100)) / 99.0
    if random.random() < 0.5:
        angle = float(random.uniform(0, 2 * np.pi))
        ramp = np.cos(angle) * xs + np.sin(angle) * ys
    else:
        ramp = np.hypot(xs - random.uniform(0.2, 0.8), ys - random.uniform(0.2, 0.8))
    return _grey(255 * (ramp - ramp.min()) / np.ptp(ramp))


def garments(random: np.random.Generator) -> np.ndarray:
    """Filled outlines such as Fashion-MNIST's: a shirt, trousers, a dress, a bag, a boot."""
    outlines = (
        ((2, 3), (7, 2), (13, 2), (18, 3), (20, 9), (16, 10), (15, 19), (5, 19), (4, 10), (0, 9)),
        ((5, 1), (15, 1), (17, 19), (12, 19), (10, 7), (8, 19), (3, 19)),
        ((7, 0), (13, 0), (12, 7), (18, 19), (2, 19), (8, 7)),
        ((1, 7), (6, 6), (8, 2), (12, 2), (14, 6), (19, 7), (19, 18), (1, 18)),
        ((4, 1), (11, 1), (12, 11), (19, 14), (19, 18), (3, 18)),
    )
    outline = np.array(outlines[int(random.integers(len(outlines)))], dtype=float)
    places = 20 + 5 * (outline + random.normal(0, 0.5, outline.shape))
    page = Image.new("L", (140, 140), 0)
    ImageDraw.Draw(page).polygon([(float(x), float(y)) for x, y in places], fill=int(random.integers(120, 256)))
    return np.asarray(page)


def photographs(random: np.random.Generator) -> np.ndarray:
    """A piece of one of scikit-learn's two photographs: a temple, a flower."""
    whole = _photographs()[int(random.integers(2))]
    side = int(random.integers(60, 400))
    top, left = (int(random.integers(0, length - side + 1)) for length in whole.shape)
    piece: np.ndarray = whole[top : top + side, left : left + side]
    return piece


NOTHING: dict[str, Maker] = {
    each.__name__: each
    for each in (
        letters, words, scribbles, blank_sheets, uniform_noise, gaussian_noise, salt_and_pepper, checkerboards,
        gradients, garments, photographs,
    )
}  # fmt: skip
"""What is no digit."""


def half_erased(digit: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A digit, `(28, 28)` on black, of which one half is gone."""
    left = digit.copy()
    middle = 14 + int(random.integers(-2, 3))
    match int(random.integers(4)):
        case 0:
            left[:middle] = 0
        case 1:
            left[middle:] = 0
        case 2:
            left[:, :middle] = 0
        case _:
            left[:, middle:] = 0
    return enlarged(left, 4)


def side_by_side(digits: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Digits on one sheet from left to right, dark on light, with a gap between them."""
    page = np.zeros((160, 60 + 110 * len(digits)), dtype=np.uint8)
    for place, digit in enumerate(digits):
        top, left = 20 + int(random.integers(0, 20)), 30 + 110 * place + int(random.integers(0, 12))
        page[top : top + 112, left : left + 112] = np.maximum(
            page[top : top + 112, left : left + 112], enlarged(digit, 4)
        )
    return 255 - page


def enlarged(digit: np.ndarray, factor: int) -> np.ndarray:
    """By a whole factor, smoothly."""
    side = factor * len(digit)
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))


def _written(text: str, side: int, random: np.random.Generator) -> np.ndarray:
    files = fonts()
    font = ImageFont.truetype(str(files[int(random.integers(len(files)))]), side)
    left, top, right, bottom = (int(each) for each in font.getbbox(text))
    page = Image.new("L", (right - left + 60, bottom - top + 60), 255)
    ImageDraw.Draw(page).text((30 - left, 30 - top), text, font=font, fill=0)
    return np.asarray(page)


@cache
def fonts() -> tuple[Path, ...]:
    """DejaVu as matplotlib brings it along: sans, serif, mono, upright, bold and slanted."""
    import matplotlib as mpl

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return tuple(sorted(each for each in folder.glob("DejaVu*.ttf") if "Display" not in each.name))


@cache
def _photographs() -> tuple[np.ndarray, ...]:
    from sklearn.datasets import load_sample_images

    return tuple(np.asarray(Image.fromarray(each).convert("L")) for each in load_sample_images().images)


def _grey(values: np.ndarray) -> np.ndarray:
    rounded: np.ndarray = values.round().clip(0, 255).astype(np.uint8)
    return rounded
