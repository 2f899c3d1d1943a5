"""Learning curves from epoch rows, and their table."""

from datetime import UTC, datetime

import pytest

from service.analysis.aligned import Curve, spread
from service.analysis.curves import as_csv, learning_curves
from service.domain.curves import LearningCurves
from service.domain.metrics import EpochMetrics
from service.domain.spec import Monitor


def row(epoch: int, *figures: float | None) -> EpochMetrics:
    """An epoch with its train_loss, train_accuracy, val_loss, val_accuracy."""
    train_loss, train_accuracy, val_loss, val_accuracy = figures
    return EpochMetrics(
        epoch=epoch,
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        learning_rate=0.1,
        epoch_seconds=1.0,
        samples_per_second=1000.0,
        recorded_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


ROWS = (row(1, 0.1 + 0.2, 0.5, 1.5, 0.25), row(2, None, None, None, None), row(3, 1e-7, 1.0, 0.75, 0.875))


def test_each_figure_is_one_series_in_the_order_of_the_epochs() -> None:
    curves = learning_curves(ROWS[::-1], best_epoch=3)
    assert curves.model_dump(mode="json") == {
        "epochs": [1, 2, 3],
        "series": {
            "train_loss": [0.30000000000000004, None, 1e-07],
            "train_accuracy": [0.5, None, 1.0],
            "val_loss": [1.5, None, 0.75],
            "val_accuracy": [0.25, None, 0.875],
        },
        "best_epoch": 3,
        "findings": [],
    }


def test_a_run_without_an_epoch_has_empty_curves() -> None:
    curves = learning_curves([], best_epoch=None)
    assert curves.epochs == curves.series.val_loss == ()
    assert curves.best_epoch is None
    assert as_csv(curves) == "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n"


def test_the_table_has_every_digit_and_empty_cells_for_missing_values() -> None:
    assert as_csv(learning_curves(ROWS, best_epoch=None)) == (
        "epoch,train_loss,train_accuracy,val_loss,val_accuracy\n"
        "1,0.30000000000000004,0.5,1.5,0.25\n"
        "2,,,,\n"
        "3,1e-07,1.0,0.75,0.875\n"
    )


def test_curves_survive_json_to_the_last_bit() -> None:
    curves = learning_curves(ROWS, best_epoch=1)
    assert LearningCurves.model_validate_json(curves.model_dump_json()) == curves


@pytest.mark.parametrize(("monitor", "best"), [(Monitor.VAL_ACCURACY, 2), (Monitor.VAL_LOSS, 3)])
def test_the_best_epoch_of_a_mean_is_chosen_as_that_of_a_run(monitor: Monitor, best: int) -> None:
    rows = {1: (1.0, 0.5, 0.5, 0.875), 2: (1.0, 0.5, 0.25, 0.875), 3: (1.0, 0.5, 0.125, 0.75), 4: (None, 0.5, 0.0, 1.0)}
    assert spread([Curve("a", "a", 1, rows, monitor), Curve("b", "b", 1, rows, monitor)]).mean.best_epoch == best
