"""The confusion matrix as a picture: true classes down, read ones across, recall and precision beside."""

import numpy as np
from PIL import Image, ImageDraw

from service.analysis.colours import CHALK, PALETTE, PENCIL, RULE, SLATE
from service.analysis.pictures import as_png, fitted, font
from service.domain.confusion import ConfusionMatrix

RIGHT, WRONG = PALETTE[0], PALETTE[1]
CELL = 72
NAMES, TOP, MARGIN = 150, 150, 36
"""Width of the column of names, height of what is above the cells, and what is left free around."""


def draw(found: ConfusionMatrix, *, title: str) -> bytes:
    """A PNG. The shade of a cell is its share of its row's images; off the diagonal a fifth of them is full already."""
    classes = len(found.labels)
    width = MARGIN + NAMES + (classes + 1) * CELL + MARGIN
    canvas = Image.new("RGB", (width, TOP + (classes + 1) * CELL + MARGIN), CHALK)
    pen = ImageDraw.Draw(canvas)
    accuracy = "–" if found.accuracy is None else f"{found.accuracy:.4f}"
    pen.text((MARGIN, 26), fitted(title, font(24, bold=True), width - 2 * MARGIN), font=font(24, bold=True), fill=SLATE)
    pen.text((MARGIN, 62), f"{found.images} images, accuracy {accuracy}", font=font(18), fill=PENCIL)
    left = MARGIN + NAMES
    pen.text((left, TOP - 58), "read as", font=font(16), fill=PENCIL)
    pen.text((left - 14, TOP - 14), "is", font=font(16), fill=PENCIL, anchor="rs")
    _middle(pen, left + classes * CELL, TOP - 24, "recall", colour=PENCIL, size=16)
    pen.text((left - 14, TOP + classes * CELL + CELL // 2), "precision", font=font(16), fill=PENCIL, anchor="rm")
    for at, (name, scores) in enumerate(zip(found.labels, found.per_class, strict=True)):
        x, y = left + at * CELL, TOP + at * CELL
        _middle(pen, x, TOP - 24, fitted(name, font(18), CELL - 4), colour=SLATE, size=18)
        pen.text((left - 14, y + CELL // 2), fitted(name, font(18), NAMES - 20), font=font(18), fill=SLATE, anchor="rm")
        _middle(pen, left + classes * CELL, y + CELL // 2, _share(scores.recall), colour=SLATE, size=16)
        _middle(pen, x, TOP + classes * CELL + CELL // 2, _share(scores.precision), colour=SLATE, size=16)
        for column, count in enumerate(found.matrix[at]):
            share = count / max(scores.support, 1)
            _cell(pen, left + column * CELL, y, count, share=share, right=column == at)
    return as_png(canvas)


def _cell(pen: ImageDraw.ImageDraw, x: int, y: int, count: int, *, share: float, right: bool) -> None:
    depth = share if right else min(1.0, 5 * share)
    colour = _mixed(CHALK, RIGHT if right else WRONG, depth**0.5)
    pen.rectangle((x + 1, y + 1, x + CELL - 2, y + CELL - 2), fill=colour, outline=RULE)
    if count:
        _middle(pen, x, y + CELL // 2, str(count), colour=CHALK if depth**0.5 > 0.55 else SLATE, size=18)


def _middle(pen: ImageDraw.ImageDraw, x: int, y: int, text: str, *, colour: str, size: int) -> None:
    pen.text((x + CELL // 2, y), text, font=font(size), fill=colour, anchor="mm")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _mixed(ground: str, colour: str, share: float) -> tuple[int, int, int]:
    ends = (np.array([*bytes.fromhex(each[1:])]) for each in (ground, colour))
    low, high = ends
    red, green, blue = np.rint(low + share * (high - low)).astype(int).tolist()
    return red, green, blue
