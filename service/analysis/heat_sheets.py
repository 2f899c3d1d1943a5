"""Arrays of numbers as one picture: a sheet of tiles, blue below zero, pale at zero, orange above.

The colours are told apart with any colour vision, and the number that full colour stands for is written below.
"""

import io
from collections.abc import Sequence
from functools import cache
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from service.analysis.colours import CHALK, PENCIL, SLATE

STOPS = {-1.0: "#06314F", -0.6: "#0072B2", 0.0: CHALK, 0.6: "#D55E00", 1.0: "#6B2400"}
"""From the most negative to the most positive; the two hues are colours.PALETTE's first."""
LEVELS = 511
MISSING = "#B9B9B9"
"""What is not finite."""

MARGIN, GAP, LINE, BAR = 20, 8, 16, 180
LARGEST_TILE = 1400
"""Pixels: of a larger array every second, third, ... row and column is drawn."""
TILE_BY_COUNT = ((1, 448), (4, 280), (16, 140), (64, 98), (1024, 56))
"""Up to so many tiles, a tile has about so many pixels a side."""


class Tile(NamedTuple):
    """One array as colours, `(height, width, 3)`, and what stands below it."""

    pixels: np.ndarray
    caption: str


def heat(values: np.ndarray, scale: float | None) -> np.ndarray:
    """Colours of numbers, full at plus and minus `scale`: `(height, width)` -> `(height, width, 3)`, uint8."""
    shares = np.clip(values / scale, -1, 1) if scale else np.zeros(values.shape)
    finite = np.isfinite(values)
    steps = np.rint((np.where(finite, shares, 0) + 1) / 2 * (LEVELS - 1)).astype(np.intp)
    coloured: np.ndarray = _ramp()[steps]
    coloured[~finite] = _rgb(MISSING)
    return coloured


def grey(values: np.ndarray) -> np.ndarray:
    """An image of 0..255 as colours, dark ink on a light ground as on paper."""
    shown = np.rint(255 - np.clip(values, 0, 255)).astype(np.uint8)
    return np.repeat(shown[..., None], 3, axis=-1)


def blend(image: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Colours laid over an image, which shows through as a shade."""
    shade = 0.55 + 0.45 * (255 - np.clip(image, 0, 255)[..., None]) / 255
    shaded: np.ndarray = np.rint(colours * shade).astype(np.uint8)
    return shaded


def draw(tiles: Sequence[Tile], *, title: str, scale: float | None, columns: int | None = None) -> bytes:
    """The tiles row by row as a PNG; below them the colours with their numbers, or with signs alone without a scale."""
    side = next((size for count, size in TILE_BY_COUNT if len(tiles) <= count), TILE_BY_COUNT[-1][1])
    images = [_sized(tile.pixels, side) for tile in tiles]
    widest, tallest = max(each.width for each in images), max(each.height for each in images)
    across = min(len(tiles), columns or ceil(sqrt(len(tiles) * tallest / widest)))
    captions = LINE if any(tile.caption for tile in tiles) else 0
    rows, pitch = ceil(len(tiles) / across), tallest + captions + GAP
    heading, small = ImageFont.load_default(14), ImageFont.load_default(11)
    width = max(across * (widest + GAP) - GAP, BAR + 140, ceil(heading.getlength(title))) + 2 * MARGIN
    top = MARGIN + LINE + GAP
    sheet = Image.new("RGB", (width, top + rows * pitch + 2 * LINE + MARGIN), CHALK)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, fill=SLATE, font=heading)
    for number, (image, tile) in enumerate(zip(images, tiles, strict=True)):
        x, y = MARGIN + number % across * (widest + GAP), top + number // across * pitch
        sheet.paste(image, (x, y))
        if captions:
            pen.text((x, y + image.height + 1), tile.caption, fill=PENCIL, font=small)
    _draw_scale(sheet, pen, y=top + rows * pitch + GAP, scale=scale)
    file = io.BytesIO()
    sheet.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _sized(pixels: np.ndarray, side: int) -> Image.Image:
    step = ceil(max(pixels.shape[:2]) / LARGEST_TILE)
    pixels = np.ascontiguousarray(pixels[::step, ::step])
    height, width = pixels.shape[:2]
    factor = max(1, round(side / max(height, width)))
    return Image.fromarray(pixels).resize((width * factor, height * factor), Image.Resampling.NEAREST)


def _draw_scale(sheet: Image.Image, pen: ImageDraw.ImageDraw, *, y: int, scale: float | None) -> None:
    ends = ("-", "+") if scale is None else (f"-{scale:.4g}", f"+{scale:.4g}")
    font = ImageFont.load_default(12)
    left = MARGIN + int(font.getlength(ends[0])) + GAP
    pen.text((MARGIN, y), ends[0], fill=SLATE, font=font)
    ramp = heat(np.linspace(-1, 1, BAR)[None], 1.0)
    sheet.paste(Image.fromarray(np.repeat(ramp, LINE - 4, axis=0)), (left, y + 2))
    pen.text((left + BAR + GAP, y), ends[1], fill=SLATE, font=font)
    pen.text((left + BAR // 2, y + LINE), "0", fill=PENCIL, font=font, anchor="ma")


@cache
def _ramp() -> np.ndarray:
    """All colours, `(LEVELS, 3)`, from the most negative on; the middle one is zero's."""
    colours = np.array([_rgb(colour) for colour in STOPS.values()], dtype=float)
    at = np.linspace(-1, 1, LEVELS)
    ramp: np.ndarray = np.rint(np.stack([np.interp(at, list(STOPS), colours[:, each]) for each in range(3)], axis=-1))
    return ramp.astype(np.uint8)


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
