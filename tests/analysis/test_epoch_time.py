"""Estimates from the times of earlier runs."""

import pytest

from service.analysis.epoch_time import Work, from_same, scaled
from service.domain.spec import ExperimentSpec
from service.domain.timing import Timing

SPEC = ExperimentSpec.model_validate({"dataset": "digits", "architecture": "mlp"})


def timing(seconds: float, *, beside: int = 0) -> Timing:
    return Timing(spec=SPEC, epoch_seconds=seconds, trained_beside=beside)


def test_one_run_that_was_held_up_does_not_move_the_median() -> None:
    found = from_same([timing(1.0), timing(1.2), timing(60.0)])
    assert (found.seconds, found.from_runs) == (1.2, 3)


def test_runs_that_were_trained_alone_go_before_those_trained_side_by_side() -> None:
    found = from_same([timing(8.0, beside=7), timing(1.0), timing(9.0, beside=7)])
    assert (found.seconds, found.from_runs) == (1.0, 1)
    assert "beside" not in found.basis
    together = from_same([timing(8.0, beside=7), timing(9.0, beside=9)])
    assert (together.seconds, together.from_runs) == (8.0, 1)
    assert "beside 7 others" in together.basis


def test_other_work_is_scaled_from_the_five_nearest_by_their_median_rate() -> None:
    known = [Work(timing(2.0 * work), work) for work in (10, 20, 30, 40)]
    known += [Work(timing(500.0), 50), Work(timing(1.0), 1_000_000)]
    found = scaled(25, known, kind="mlp networks")
    assert found.seconds == pytest.approx(50.0)
    assert found.from_runs == 5
    assert "mlp networks" in found.basis
