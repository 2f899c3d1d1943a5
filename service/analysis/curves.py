"""Epoch rows as learning curves, and learning curves as a table."""

import csv
import io
from collections.abc import Sequence

from service.domain.curves import CurveSeries, Finding, LearningCurves
from service.domain.metrics import EpochMetrics

COLUMNS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


def learning_curves(
    epochs: Sequence[EpochMetrics], *, best_epoch: int | None, findings: tuple[Finding, ...] = ()
) -> LearningCurves:
    """The rows, in whatever order, as one series a figure in the order of the epochs."""
    rows = sorted(epochs, key=lambda row: row.epoch)
    return LearningCurves(
        epochs=tuple(row.epoch for row in rows),
        series=CurveSeries(
            train_loss=tuple(row.train_loss for row in rows),
            train_accuracy=tuple(row.train_accuracy for row in rows),
            val_loss=tuple(row.val_loss for row in rows),
            val_accuracy=tuple(row.val_accuracy for row in rows),
        ),
        best_epoch=best_epoch,
        findings=findings,
    )


def as_csv(curves: LearningCurves) -> str:
    """A header and a line an epoch, ended by a newline; numbers unrounded, an empty cell where there is none."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("epoch", *COLUMNS))
    columns: list[tuple[float | None, ...]] = [getattr(curves.series, name) for name in COLUMNS]
    table.writerows(zip(curves.epochs, *columns, strict=True))
    return text.getvalue()
