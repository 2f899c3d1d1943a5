"""The curves of several runs at the same epochs, as numbers and as a table."""

import csv
import io
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from service.analysis.cells import as_text
from service.analysis.curves import COLUMNS
from service.domain import selection
from service.domain.comparison import AlignedRun, AlignedSeries
from service.domain.curves import CurveSeries, LearningCurves
from service.domain.spec import Monitor

Row = Sequence[float | None]
"""An epoch's figures, as `COLUMNS` has them."""


class Curve(NamedTuple):
    """A run's figures by epoch, thinned or whole."""

    experiment_id: str
    label: str
    best_epoch: int | None
    rows: Mapping[int, Row]
    monitor: Monitor = Monitor.VAL_ACCURACY


def align(curves: Sequence[Curve], *, every: int) -> AlignedSeries:
    """At every epoch that any of them has; null where a run has none."""
    epochs = tuple(sorted({epoch for curve in curves for epoch in curve.rows}))
    empty: Row = (None,) * len(COLUMNS)
    items = []
    for curve in curves:
        columns = zip(*(curve.rows.get(epoch, empty) for epoch in epochs), strict=True) if epochs else ((),) * 4
        series = dict(zip(COLUMNS, map(tuple, columns), strict=True))
        items.append(
            AlignedRun(
                experiment_id=curve.experiment_id,
                label=curve.label,
                best_epoch=curve.best_epoch,
                train_loss=series["train_loss"],
                train_accuracy=series["train_accuracy"],
                val_loss=series["val_loss"],
                val_accuracy=series["val_accuracy"],
            )
        )
    return AlignedSeries(epochs=epochs, every=every, items=tuple(items))


def as_csv(series: AlignedSeries) -> str:
    """A line for each epoch of each run, ended by a newline; an empty cell where there is no finite number."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("experiment_id", "label", "epoch", *COLUMNS))
    for run in series.items:
        columns = [getattr(run, column) for column in COLUMNS]
        for epoch, *values in zip(series.epochs, *columns, strict=True):
            if any(value is not None for value in values):
                table.writerow((run.experiment_id, as_text(run.label), epoch, *values))
    return text.getvalue()


def own(curve: Curve) -> LearningCurves:
    """One run alone, at the epochs that it has."""
    epochs = tuple(sorted(curve.rows))
    return LearningCurves(
        epochs=epochs, series=_series([curve.rows[epoch] for epoch in epochs]), best_epoch=curve.best_epoch
    )


class Spread(NamedTuple):
    """A group's mean, and one standard deviation below and above it."""

    mean: LearningCurves
    below: CurveSeries
    above: CurveSeries


def spread(curves: Sequence[Curve]) -> Spread:
    """Over the runs of a group that have an epoch; where one is alone there is no spread.

    The mean's best epoch is chosen of its figures as a run's is of its own.
    """
    epochs = tuple(sorted({epoch for curve in curves for epoch in curve.rows}))
    means: list[Row] = []
    lows: list[Row] = []
    highs: list[Row] = []
    for epoch in epochs:
        columns = list(zip(*(curve.rows[epoch] for curve in curves if epoch in curve.rows), strict=True))
        there = [[value for value in column if value is not None] for column in columns]
        centres = [fmean(values) if values else None for values in there]
        deviations = [stdev(values) if len(values) > 1 else 0.0 for values in there]
        pairs = list(zip(centres, deviations, strict=True))
        means.append(centres)
        lows.append([None if centre is None else centre - deviation for centre, deviation in pairs])
        highs.append([None if centre is None else centre + deviation for centre, deviation in pairs])
    series = _series(means)
    mean = LearningCurves(epochs=epochs, series=series, best_epoch=_best(epochs, means, monitor=curves[0].monitor))
    return Spread(mean, _series(lows), _series(highs))


def _best(epochs: Sequence[int], rows: Sequence[Row], *, monitor: Monitor) -> int | None:
    scored = [
        (score, -epoch)
        for epoch, (train_loss, _, val_loss, val_accuracy) in zip(epochs, rows, strict=True)
        if (score := selection.score_of(train_loss, val_loss, val_accuracy, monitor=monitor)) is not None
    ]
    return -max(scored)[1] if scored else None


def _series(rows: Sequence[Row]) -> CurveSeries:
    return CurveSeries.model_validate(
        {column: tuple(row[index] for row in rows) for index, column in enumerate(COLUMNS)}
    )
