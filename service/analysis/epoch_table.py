"""The figures of every epoch as a table."""

import csv
import io
from collections.abc import Sequence

from service.domain.metrics import EpochMetrics


def as_csv(epochs: Sequence[EpochMetrics]) -> str:
    """A header and a line an epoch, ended by a newline; numbers unrounded, an empty cell where there is none."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(EpochMetrics.model_fields)
    table.writerows(row.model_dump(mode="json").values() for row in epochs)
    return text.getvalue()
