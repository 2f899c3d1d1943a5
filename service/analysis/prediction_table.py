"""Predictions as comma-separated values, which end up in spreadsheets."""

import csv
import io
from collections.abc import Iterable

from service.analysis.cells import as_text
from service.domain.prediction_line import PredictionLine

_BEFORE, _AFTER = ("index", "name", "digit", "label", "confidence"), ("warnings",)


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


def _written(cells: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(cells)
    return text.getvalue()
