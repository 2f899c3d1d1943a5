"""Which epoch is the best, and when patience is at its end."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.metrics import EpochMetrics
from service.domain.selection import Selection
from service.domain.spec import ExperimentSpec

Figures = tuple[float | None, float | None]
"""Validation loss and accuracy."""


def a_spec(**early_stopping: Any) -> ExperimentSpec:
    """One that stops early where it is told how."""
    return ExperimentSpec.model_validate(
        {"dataset": "digits", "architecture": "mlp", "early_stopping": early_stopping or None}
    )


def an_epoch(number: int, loss: float | None, accuracy: float | None, train_loss: float | None = 1.0) -> EpochMetrics:
    """With these validation figures."""
    return EpochMetrics(
        epoch=number,
        train_loss=train_loss,
        train_accuracy=0.5,
        val_loss=loss,
        val_accuracy=accuracy,
        learning_rate=0.1,
        epoch_seconds=1.0,
        samples_per_second=1.0,
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def after(figures: list[Figures], *, spec: ExperimentSpec, selection: Selection | None = None) -> Selection:
    """The selection at the end of these epochs."""
    selection = selection or Selection()
    for number, (loss, accuracy) in enumerate(figures, start=1):
        selection = selection.after(an_epoch(number, loss, accuracy), spec=spec)
    return selection


def test_before_the_first_epoch_there_is_no_best() -> None:
    assert Selection().best_epoch is None
    assert not Selection().exhausted(a_spec(patience=1))


@pytest.mark.parametrize(
    ("early_stopping", "best"),
    [({}, 3), ({"monitor": "val_accuracy", "patience": 9}, 3), ({"monitor": "val_loss", "patience": 9}, 2)],
)
def test_the_best_is_that_of_the_figure_that_is_monitored(early_stopping: dict[str, Any], best: int) -> None:
    figures: list[Figures] = [(1.0, 0.5), (0.2, 0.6), (0.4, 0.9), (0.3, 0.8)]
    assert after(figures, spec=a_spec(**early_stopping)).best_epoch == best


def test_of_equal_accuracies_the_lower_loss_is_better() -> None:
    assert after([(0.5, 0.9), (0.4, 0.9), (0.6, 0.9)], spec=a_spec()).best_epoch == 2


def test_of_equal_losses_the_higher_accuracy_is_better() -> None:
    spec = a_spec(monitor="val_loss", patience=9)
    assert after([(0.5, 0.8), (0.5, 0.9), (0.5, 0.7)], spec=spec).best_epoch == 2


@pytest.mark.parametrize("early_stopping", [{}, {"monitor": "val_loss", "patience": 9}])
def test_the_first_of_equals_stays_the_best(early_stopping: dict[str, Any]) -> None:
    assert after([(0.9, 0.1), (0.5, 0.9), (0.5, 0.9), (0.5, 0.9)], spec=a_spec(**early_stopping)).best_epoch == 2


def test_an_epoch_that_is_not_finite_is_never_the_best() -> None:
    for figures in ((None, 0.9), (0.1, None), (None, None)):
        assert after([(0.5, 0.5), figures], spec=a_spec()).best_epoch == 1
        assert after([figures], spec=a_spec()).best_epoch is None
    assert Selection().after(an_epoch(1, 0.1, 0.9, train_loss=None), spec=a_spec()).best_epoch is None
    assert after([(None, None), (0.5, 0.5)], spec=a_spec()).best_epoch == 2


def stops_at(figures: list[Figures], *, spec: ExperimentSpec) -> int | None:
    """The epoch after which the run ends early."""
    return next(
        (n for n in range(1, len(figures) + 1) if after(figures[:n], spec=spec).exhausted(spec)),
        None,
    )


def test_patience_counts_the_epochs_since_the_monitored_figure_was_better() -> None:
    losses: list[Figures] = [(1.0, 0.5), (0.9, 0.5), (0.95, 0.9), (0.8, 0.5), (0.8, 0.5), (0.81, 0.5), (0.79, 0.5)]
    assert stops_at(losses, spec=a_spec(monitor="val_loss", patience=1)) == 3
    assert stops_at(losses, spec=a_spec(monitor="val_loss", patience=2)) == 6
    assert stops_at(losses, spec=a_spec(monitor="val_loss", patience=3)) is None


@pytest.mark.parametrize(
    ("monitor", "figures"),
    [("val_accuracy", [(1.0 / n, 0.9) for n in range(1, 9)]), ("val_loss", [(0.5, n / 10) for n in range(1, 9)])],
)
def test_a_tie_that_the_other_figure_breaks_costs_patience(monitor: str, figures: list[Figures]) -> None:
    """An accuracy that stands still ends the run, however long its loss falls; the best is still the latest."""
    spec = a_spec(monitor=monitor, patience=3)
    assert stops_at(figures, spec=spec) == 4
    assert after(figures[:4], spec=spec).best_epoch == 4


def test_epochs_that_are_not_finite_cost_patience() -> None:
    assert stops_at([(1.0, 0.5), (None, None), (None, None)], spec=a_spec(patience=2)) == 3


def test_without_early_stopping_patience_has_no_end() -> None:
    assert stops_at([(0.5, 0.5)] * 50, spec=a_spec()) is None


def test_a_run_that_is_continued_keeps_its_best_and_gets_its_patience_again() -> None:
    spec = a_spec(patience=2)
    ended = after([(0.5, 0.5), (0.6, 0.5), (0.7, 0.5)], spec=spec)
    assert ended.exhausted(spec)
    again = ended.with_new_patience()
    assert not again.exhausted(spec)
    assert (again.best_epoch, again.score) == (1, ended.score)
    assert again.after(an_epoch(4, 0.55, 0.5), spec=spec).best_epoch == 1
    assert again.after(an_epoch(4, 0.45, 0.5), spec=spec).best_epoch == 4


figure = st.none() | st.sampled_from([0.1, 0.2, 0.3])


@given(figures=st.lists(st.tuples(figure, figure), max_size=12), cut=st.integers(0, 12), monitored=st.booleans())
def test_a_resumed_run_decides_as_one_that_was_never_interrupted(
    figures: list[Figures], cut: int, monitored: bool
) -> None:
    """The best is the first of the highest scores; a selection stored and read again goes on alike."""
    spec = a_spec(monitor="val_accuracy", patience=2) if monitored else a_spec()
    whole = after(figures, spec=spec)
    finite = [
        (-(accuracy or 0), loss, n) for n, (loss, accuracy) in enumerate(figures, 1) if None not in (loss, accuracy)
    ]
    assert whole.best_epoch == (min(finite)[2] if finite else None)
    resumed = Selection.model_validate_json(after(figures[:cut], spec=spec).model_dump_json())
    for number, (loss, accuracy) in enumerate(figures[cut:], start=cut + 1):
        resumed = resumed.after(an_epoch(number, loss, accuracy), spec=spec)
    assert resumed == whole
