"""What a report is put together from; the template knows how each is set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from markupsafe import Markup


@dataclass(frozen=True)
class Paragraph:
    """A sentence or some. A `verdict` answers, a `note` explains, a `problem` says why something is missing."""

    text: str
    role: Literal["plain", "verdict", "note", "problem"] = "plain"
    kind: str = "paragraph"


@dataclass(frozen=True)
class Table:
    """Rows under a head; `align` has a letter a column, `l` or `r`."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    align: str
    caption: str = ""
    total: bool = False
    """True where the last row is the sum of the others."""
    kind: str = "table"


@dataclass(frozen=True)
class Chart:
    """An SVG element, drawn here."""

    svg: Markup
    caption: str = ""
    kind: str = "chart"


class Picture(NamedTuple):
    """A PNG as base64, and what stands below it."""

    base64: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Pictures:
    """Small images side by side, their pixels as they are; `side` is in CSS pixels."""

    items: Sequence[Picture]
    side: int = 64
    caption: str = ""
    kind: str = "pictures"


class Cell(NamedTuple):
    """A number on a ground: 0 is none of the colour, 1 all of it."""

    text: str
    depth: float
    right: bool


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: rows are what is, columns what was read."""

    names: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str
    corner: str
    kind: str = "matrix"


@dataclass(frozen=True)
class Formula:
    """A function in plain text, what its letters stand for, and the LaTeX of it."""

    label: str
    text: str
    where: Sequence[str]
    latex: str
    kind: str = "formula"


Part = Paragraph | Table | Chart | Pictures | Matrix | Formula
