"""Many short lines of text on a figure: measured, and set into a picture, by Pillow; in an SVG, one artist.

matplotlib lays out a text of its own for its box, for its place and each width that is tried, and takes its letters
from the font anew: half a second for the legend of a hundred runs. Lengths are inches, measured from the lower left
corner; sizes are points.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

from service.analysis.pictures import font

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.backend_bases import RendererBase

POINTS_PER_INCH = 72
MEASURED_SIZE = 100


class Caption(NamedTuple):
    """A line of text that begins at `x`, or ends there, and stands on `y`."""

    x: float
    y: float
    text: str
    colour: str
    size: float
    bold: bool = False
    ends: bool = False


def width(text: str, *, size: float, bold: bool = False) -> float:
    """Of a line."""
    return font(MEASURED_SIZE, bold=bold).getlength(text) * size / MEASURED_SIZE / POINTS_PER_INCH


def shortened(text: str, room: float, *, size: float, bold: bool = False) -> str:
    """The line, which leaves out its middle where it would be wider than the room."""
    kept, shown = len(text), text
    while kept > 1 and (taken := width(shown, size=size, bold=bold)) > room:
        kept = min(kept - 1, int(kept * room / taken) + 1)
        shown = f"{text[: kept // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"
    return shown


def write_on(picture: Image.Image, captions: Sequence[Caption], *, dots: float) -> None:
    """Of so many dots an inch."""
    pen = ImageDraw.Draw(picture)
    for each in captions:
        type_ = font(each.size * dots / POINTS_PER_INCH, bold=each.bold)
        place = (each.x * dots, picture.height - each.y * dots)
        pen.text(place, each.text, font=type_, fill=each.colour, anchor="rs" if each.ends else "ls")


def as_artist(captions: Sequence[Caption]) -> "Artist":
    """Drawn as they stand, never read as mathematics, where the figure's `dpi_scale_trans` is its transform."""
    from matplotlib.artist import Artist
    from matplotlib.colors import to_rgba
    from matplotlib.font_manager import FontProperties

    class Lettering(Artist):
        zorder = 3  # as matplotlib's own texts

        def draw(self, renderer: "RendererBase") -> None:
            _, height = renderer.get_canvas_width_height()
            for each in captions:
                left = each.x - (width(each.text, size=each.size, bold=each.bold) if each.ends else 0.0)
                x, y = self.get_transform().transform((left, each.y))
                gc = renderer.new_gc()
                gc.set_foreground(to_rgba(each.colour), isRGBA=True)
                type_ = FontProperties(size=each.size, weight="bold" if each.bold else "normal")
                renderer.draw_text(gc, x, height - y if renderer.flipy() else y, each.text, type_, 0)
                gc.restore()

    return Lettering()
