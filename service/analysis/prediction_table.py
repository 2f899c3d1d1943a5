"""Predictions as comma-separated values, which end up in spreadsheets."""

import csv
import io
from collections.abc import Iterable

from service.domain.prediction_line import PredictionLine

_BEFORE, _AFTER = ("index", "name", "digit", "label", "confidence"), ("warnings",)
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def header(*, classes: int) -> str:
    """The line of titles, a probability a class among them."""
    return _written([(*_BEFORE, *(f"probability_{number}" for number in range(classes)), *_AFTER)])


def rows(lines: Iterable[PredictionLine]) -> str:
    """A line each, ended by a newline; numbers unrounded, an empty cell where there is none, warnings with `; `."""
    return _written(
        (
            line.index,
            as_text(line.name or ""),
            line.digit,
            as_text(line.label),
            line.confidence,
            *line.probabilities,
            "; ".join(line.warnings),
        )
        for line in lines
    )


def as_text(cell: str) -> str:
    """What a client named, with an apostrophe before it where a spreadsheet would compute it.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell


def _written(cells: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue()
