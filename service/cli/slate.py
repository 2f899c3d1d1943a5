"""Digits as a terminal can show them, and as a file can hold them."""

import io
from collections.abc import Sequence

from PIL import Image

SHADES = " ░▒▓█"
GAP = 3

Pixels = Sequence[Sequence[int]]
"""Rows of grey values 0..255, bright ink on a dark ground."""


def png(pixels: Pixels) -> bytes:
    """The image as a PNG file, grey, pixel for pixel."""
    image = Image.new("L", (len(pixels[0]), len(pixels)))
    image.putdata([value for row in pixels for value in row])
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def in_blocks(pixels: Pixels) -> list[str]:
    """A line of text for each row; a pixel is two characters wide, which on most terminals makes it a square."""
    return ["".join(2 * SHADES[value * len(SHADES) // 256] for value in row) for row in pixels]


def in_rows(images: Sequence[Pixels], captions: Sequence[str], *, width: int) -> str:
    """The images side by side, as many as fit into `width` characters, each above its caption."""
    cell = max(2 * len(images[0][0]), *(len(caption) for caption in captions)) + GAP
    per_row = max(1, (width + GAP) // cell)
    lines = []
    for start in range(0, len(images), per_row):
        row = slice(start, start + per_row)
        blocks = [in_blocks(image) for image in images[row]]
        lines += ["".join(text.ljust(cell) for text in line).rstrip() for line in zip(*blocks, strict=True)]
        lines += ["".join(caption.ljust(cell) for caption in captions[row]).rstrip(), ""]
    return "\n".join(lines)
