"""The reliability diagram as a picture: accuracy against confidence by bin, and how many images are in each."""

from typing import NamedTuple

from PIL import Image, ImageDraw

from service.analysis.colours import CHALK, PALETTE, PENCIL, RULE, SLATE
from service.analysis.pictures import as_png, fitted, font
from service.domain.calibration import Calibration

FINER = 2
"""Everything is drawn so many times as large and then reduced, which smooths the slanted line."""
WIDTH, HEIGHT = 1200, 620
TOP, BOTTOM = 150, 560
PANEL = 490
LEFT, RIGHT = 80, WIDTH - 40 - PANEL
"""Where the two panels begin."""
GAP = 3


class _Panel(NamedTuple):
    """A unit square on the canvas, its lower left corner at (left, BOTTOM)."""

    pen: ImageDraw.ImageDraw
    left: int

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (self.left + x * PANEL) * FINER, (BOTTOM - y * (BOTTOM - TOP)) * FINER

    def bar(self, low: float, high: float, height: float) -> None:
        (left, top), (right, bottom) = self.at(low, height), self.at(high, 0)
        self.pen.rectangle((left + GAP, top, right - GAP, bottom), fill=PALETTE[0])

    def line(self, start: tuple[float, float], end: tuple[float, float], colour: str, width: float) -> None:
        self.pen.line((*self.at(*start), *self.at(*end)), fill=colour, width=round(width * FINER))

    def text(self, x: float, y: float, text: str, *, anchor: str, colour: str = PENCIL, size: int = 15) -> None:
        self.pen.text(self.at(x, y), text, font=font(size * FINER), fill=colour, anchor=anchor)


def draw(found: Calibration, *, title: str) -> bytes:
    """A PNG. A bar is the accuracy of its images, its mark their mean confidence: above the bar, they were too sure."""
    canvas = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), CHALK)
    pen = ImageDraw.Draw(canvas)
    bold = font(24 * FINER, bold=True)
    pen.text((LEFT * FINER, 24 * FINER), fitted(title, bold, 1080 * FINER), font=bold, fill=SLATE)
    pen.text((LEFT * FINER, 60 * FINER), _summary(found), font=font(17 * FINER), fill=PENCIL)
    accuracy, images = _Panel(pen, LEFT), _Panel(pen, RIGHT)
    _frame(accuracy, "Accuracy by confidence; marks are mean confidences", [each / 5 for each in range(6)])
    _frame(images, "Images by confidence", [])
    most = max(each.count for each in found.bins)
    for each in found.bins:
        middle = (each.low + each.high) / 2
        if each.count:
            images.bar(each.low, each.high, each.count / most)
            images.text(middle, each.count / most + 0.015, str(each.count), anchor="ms", size=11)
        if each.accuracy is not None and each.confidence is not None:
            accuracy.bar(each.low, each.high, each.accuracy)
            accuracy.line((middle, each.accuracy), (middle, each.confidence), PALETTE[1], 2)
            accuracy.line((each.low, each.confidence), (each.high, each.confidence), PALETTE[1], 4)
    accuracy.line((0, 0), (1, 1), PENCIL, 1.5)
    return as_png(canvas.reduce(FINER))


def _frame(panel: _Panel, heading: str, ticks: list[float]) -> None:
    panel.text(0, 1.08, heading, anchor="ls", colour=SLATE, size=17)
    for tick in ticks:
        panel.line((0, tick), (1, tick), RULE, 1)
        panel.text(-0.02, tick, f"{tick:.1f}", anchor="rm")
    panel.line((0, 0), (1, 0), PENCIL, 1)
    for tick in range(6):
        panel.text(tick / 5, -0.025, f"{tick / 5:.1f}", anchor="mt")
    panel.text(0.5, -0.09, "confidence", anchor="mt")


def _summary(found: Calibration) -> str:
    error, temperature = found.expected_calibration_error, found.temperature.value
    parts = [f"{found.images} images of the {found.split} split"]
    parts.append("no finite logits" if error is None else f"expected calibration error {error:.4f}")
    if temperature is not None:
        parts.append(f"temperature fitted on validation {temperature:.3f}")
    return ", ".join(parts)
