"""Two runs of one spec held against each other, to the bit."""

import math
from datetime import UTC, datetime

import pytest

from service.domain.metrics import EpochMetrics
from service.domain.reproduction import COMPARED, compare

SERIES = tuple(
    EpochMetrics(
        epoch=number,
        train_loss=1.0 / number,
        train_accuracy=0.5,
        val_loss=1.1 / number,
        val_accuracy=0.4,
        learning_rate=0.1,
        epoch_seconds=1.0,
        samples_per_second=100.0,
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    for number in (1, 2, 3)
)


def test_the_same_numbers_are_identical_whenever_and_however_fast_they_came() -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)
    ours = [
        each.model_copy(update={"recorded_at": later, "epoch_seconds": 9.0, "samples_per_second": 1.0})
        for each in SERIES
    ]
    found = compare("x", SERIES, ours)
    assert found.model_dump() == {
        "of": "x",
        "identical": True,
        "first_different_epoch": None,
        "field": None,
        "difference": None,
    }
    assert compare("x", (), ()).identical is True


@pytest.mark.parametrize("field", COMPARED)
def test_the_last_bit_of_any_figure_is_a_difference(field: str) -> None:
    theirs = getattr(SERIES[1], field)
    ours = [SERIES[0], SERIES[1].model_copy(update={field: math.nextafter(theirs, 9)}), SERIES[2]]
    found = compare("x", SERIES, ours)
    assert (found.identical, found.first_different_epoch, found.field) == (False, 2, field)
    assert found.difference == math.nextafter(theirs, 9) - theirs > 0


def test_the_first_of_several_differences_is_named() -> None:
    ours = [SERIES[0], *(each.model_copy(update={"train_loss": 0.0, "val_loss": 0.0}) for each in SERIES[1:])]
    found = compare("x", SERIES, ours)
    assert (found.first_different_epoch, found.field, found.difference) == (2, "train_loss", -0.5)


@pytest.mark.parametrize("longer", ["theirs", "ours"])
def test_a_series_that_ends_earlier_differs_where_it_has_ended(longer: str) -> None:
    pair = (SERIES, SERIES[:2]) if longer == "theirs" else (SERIES[:2], SERIES)
    found = compare("x", *pair)
    assert (found.identical, found.first_different_epoch, found.field, found.difference) == (False, 3, "epoch", None)


def test_figures_that_were_not_finite_in_both_are_the_same() -> None:
    lost = [each.model_copy(update={"val_loss": None}) for each in SERIES]
    assert compare("x", lost, lost).identical is True
    found = compare("x", SERIES, lost)
    assert (found.identical, found.first_different_epoch, found.field, found.difference) == (False, 1, "val_loss", None)
