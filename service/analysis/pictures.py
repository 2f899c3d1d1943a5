"""Small grey images as files and as sheets, in a few milliseconds: matplotlib would take most of a second to start.

The text is set in the type of the charts, DejaVu Sans, from the file that matplotlib brings along.
"""

import base64
import io
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from service.analysis.colours import CHALK, PALETTE, PENCIL, SLATE

WRONG = PALETTE[1]
MARGIN, GAP, CAPTION, HEADING = 28, 14, 44, 56
TILE = 112
"""The least side of an image on a sheet, in pixels: it is enlarged by a whole factor, so that its own pixels show."""
COLUMNS = 10
FONTS = 64
"""Sizes of the type that are kept."""


class Tile(NamedTuple):
    """An image `(height, width)` uint8 on a sheet, and two lines below it."""

    image: np.ndarray
    caption: str
    detail: str = ""


def png(image: np.ndarray) -> bytes:
    """A file of `(height, width)` uint8, pixel for pixel."""
    return as_png(Image.fromarray(image))


def png_base64(image: np.ndarray) -> str:
    """The same as text for JSON; with `data:image/png;base64,` before it, an address for a browser."""
    return base64.b64encode(png(image)).decode()


def sheet(tiles: Sequence[Tile], *, title: str, columns: int = COLUMNS, empty: str = "no image") -> bytes:
    """A PNG of all tiles in their order, row by row; of none, it says `empty`."""
    side = max((_enlarged(tile.image).shape[0] for tile in tiles), default=TILE)
    rows = max(1, -(-len(tiles) // columns))
    across, down = side + GAP, side + GAP + CAPTION
    canvas = Image.new("RGB", (2 * MARGIN - GAP + columns * across, MARGIN + HEADING + rows * down), CHALK)
    pen = ImageDraw.Draw(canvas)
    bold = font(24, bold=True)
    pen.text((MARGIN, MARGIN), fitted(title, bold, canvas.width - 2 * MARGIN), font=bold, fill=SLATE)
    if not tiles:
        pen.text((MARGIN, MARGIN + HEADING), empty, font=font(18), fill=PENCIL)
    caption, detail = font(18), font(15)
    for number, tile in enumerate(tiles):
        x, y = MARGIN + number % columns * across, MARGIN + HEADING + number // columns * down
        canvas.paste(Image.fromarray(_enlarged(tile.image)), (x, y))
        pen.text((x, y + side + 3), fitted(tile.caption, caption, side), font=caption, fill=SLATE)
        pen.text((x, y + side + 25), fitted(tile.detail, detail, side), font=detail, fill=PENCIL)
    return as_png(canvas)


def as_png(picture: Image.Image) -> bytes:
    """A file of a picture; packed a little less than Pillow does by itself, in half the time."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=3)
    return file.getvalue()


def fitted(text: str, type_: ImageFont.FreeTypeFont, width: float) -> str:
    """The text on one line, its end cut off where it is wider than so many pixels."""
    text = " ".join(text.split())
    if type_.getlength(text) <= width:
        return text
    while text and type_.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@lru_cache(maxsize=FONTS)
def font(size: float, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The type in so many pixels."""
    return ImageFont.truetype(_fonts() / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size)


def _fonts() -> Path:
    found = find_spec("matplotlib")  # its place alone: nothing of it is imported
    if found is None or found.origin is None:
        raise ModuleNotFoundError("matplotlib, whose type is used, is not installed")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _enlarged(image: np.ndarray) -> np.ndarray:
    factor = max(1, round(TILE / image.shape[0]))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)
