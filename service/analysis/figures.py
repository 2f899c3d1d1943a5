"""matplotlib's figures, made and written as files.

matplotlib is used through its objects alone (no pyplot, no settings of the process), so that threads can draw at once.
"""

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from PIL import Image

from service.analysis.captions import Caption, as_artist, write_on
from service.analysis.colours import CHALK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 144
MOST_PIXELS = 4_000_000
"""A larger picture has fewer dots an inch, so that it is drawn and packed within a fraction of a second."""


def blank(width: float, height: float) -> "Figure":
    """An empty sheet of so many inches, opaque."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    dots = min(DOTS_PER_INCH, (MOST_PIXELS / (width * height)) ** 0.5)
    figure = Figure(figsize=(width, height), dpi=dots, facecolor=CHALK)
    FigureCanvasAgg(figure)  # draws it and keeps what measures a text
    return figure


def printable(text: str) -> str:
    """On one line, a box for each character that the font has no shape for."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont("DejaVu Sans"))
    return "".join(letter if font.get_char_index(ord(letter)) else "□" for letter in " ".join(text.split()))


def write(figure: "Figure", format: Literal["png", "svg"], captions: Sequence[Caption] = ()) -> bytes:  # noqa: A002  # as in a query
    """With these captions on it. The same figure gives the same file, byte for byte."""
    return _as_svg(figure, captions) if format == "svg" else _as_png(figure, captions)


def _as_png(figure: "Figure", captions: Sequence[Caption]) -> bytes:
    """By Pillow, and not by matplotlib, which packs what is transparent nowhere with its transparency, and for long."""
    drawn, size = figure.canvas.print_to_buffer()  # type: ignore[attr-defined]  # of FigureCanvasAgg
    picture = Image.frombuffer("RGBA", size, drawn, "raw", "RGBA", 0, 1).convert("RGB")
    write_on(picture, captions, dots=figure.dpi)
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1, dpi=(figure.dpi, figure.dpi))
    return file.getvalue()


def _as_svg(figure: "Figure", captions: Sequence[Caption]) -> bytes:
    """Without the date, and with matplotlib's random identifiers numbered in the order in which they appear."""
    figure.add_artist(as_artist(captions)).set_transform(figure.dpi_scale_trans)
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    numbers: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return numbers.setdefault(found.group(), f"{found.group()[0]}{len(numbers)}")

    return re.sub(r'(?<=["#])(?:[hmp]|C\w+_)[0-9a-f]{10}(?=[")])', number, file.getvalue().decode()).encode()
