"""Schedules as functions of the step: known values, and those of torch's own schedulers."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from service.domain.schedules import SCHEDULES, Constant, Cosine, Exponential, OneCycle, ScheduleOptions, Step


def rates(schedule: ScheduleOptions, *, initial: float = 0.5, steps_per_epoch: int, epochs: int) -> list[float]:
    """Of every step of a run."""
    return [
        schedule.learning_rate(initial, step=step, steps_per_epoch=steps_per_epoch, epochs=epochs)
        for step in range(steps_per_epoch * epochs)
    ]


def torchs(make: Callable[[SGD], Any], *, initial: float = 0.5, steps: int, every: int) -> list[float]:
    """What torch's scheduler sets for each step, itself stepped after every `every` of them."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=initial)
    scheduler = make(optimizer)
    seen = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no gradient is ever taken here, of which it warns
        for step in range(1, steps + 1):
            seen.append(float(optimizer.param_groups[0]["lr"]))
            if step % every == 0 and step < steps:
                scheduler.step()
    return seen


def test_a_constant_rate_stays_what_it_is() -> None:
    assert rates(Constant(), steps_per_epoch=3, epochs=2) == [0.5] * 6


def test_steps_go_down_after_whole_epochs() -> None:
    found = rates(Step(step_size=2, gamma=0.1), initial=1.0, steps_per_epoch=2, epochs=5)
    assert found == pytest.approx([1.0] * 4 + [0.1] * 4 + [0.01] * 2)


@pytest.mark.parametrize(("step_size", "gamma"), [(1, 0.5), (3, 0.1), (10, 0.9)])
def test_steps_are_those_of_torch(step_size: int, gamma: float) -> None:
    ours = rates(Step(step_size=step_size, gamma=gamma), steps_per_epoch=4, epochs=12)
    theirs = torchs(lambda optimizer: lr_scheduler.StepLR(optimizer, step_size, gamma), steps=48, every=4)
    assert ours == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("gamma", [0.95, 0.5, 1.0])
def test_the_exponential_is_that_of_torch(gamma: float) -> None:
    ours = rates(Exponential(gamma=gamma), steps_per_epoch=5, epochs=20)
    theirs = torchs(lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma), steps=100, every=5)
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_the_cosine_goes_from_all_to_nearly_nothing() -> None:
    found = rates(Cosine(), initial=1.0, steps_per_epoch=50, epochs=4)
    assert found[0] == 1.0
    assert found[100] == pytest.approx(0.5)
    assert 0 < found[-1] < 1e-4
    assert found == sorted(found, reverse=True)


def test_the_cosine_is_that_of_torch() -> None:
    theirs = torchs(lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=60), steps=60, every=1)
    assert rates(Cosine(), steps_per_epoch=20, epochs=3) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("steps_per_epoch", "epochs", "warmup"),
    [(50, 2, 0.3), (33, 3, 0.3), (7, 5, 0.1), (10, 1, 0.5), (1, 4, 0.3), (1, 3, 0.9), (3, 1, 0.3)],
)
def test_one_cycle_is_that_of_torch(steps_per_epoch: int, epochs: int, warmup: float) -> None:
    steps = steps_per_epoch * epochs

    def make(optimizer: SGD) -> lr_scheduler.OneCycleLR:
        return lr_scheduler.OneCycleLR(optimizer, max_lr=0.8, total_steps=steps, pct_start=warmup, cycle_momentum=False)

    schedule = OneCycle(max_learning_rate=0.8, warmup_fraction=warmup)
    ours = rates(schedule, steps_per_epoch=steps_per_epoch, epochs=epochs)
    assert ours == pytest.approx(torchs(make, steps=steps, every=1), rel=1e-9)


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing() -> None:
    found = rates(OneCycle(max_learning_rate=2.0, warmup_fraction=0.25), steps_per_epoch=100, epochs=4)
    assert found[0] == pytest.approx(2.0 / 25)
    assert found[99] == max(found) == pytest.approx(2.0)
    assert found[-1] == pytest.approx(2.0 / 250_000)
    assert found[:100] == sorted(found[:100])
    assert found[99:] == sorted(found[99:], reverse=True)


@pytest.mark.parametrize("kind", SCHEDULES)
@given(data=st.data())
def test_whatever_the_run_a_rate_is_finite_and_not_negative(kind: type[ScheduleOptions], data: st.DataObject) -> None:
    epochs, steps_per_epoch = data.draw(st.integers(1, 10_000)), data.draw(st.integers(1, 60_000))
    step = data.draw(st.integers(0, epochs * steps_per_epoch - 1))
    fraction = data.draw(st.floats(0, 1, exclude_min=True, exclude_max=True))
    drawn = {"gamma": fraction, "warmup_fraction": fraction, "step_size": data.draw(st.integers(1, 10_000))}
    schedule = kind.model_validate({name: value for name, value in drawn.items() if name in kind.model_fields})
    rate = schedule.learning_rate(0.1, step=step, steps_per_epoch=steps_per_epoch, epochs=epochs)
    assert math.isfinite(rate)
    assert 0 <= rate <= 0.1 * (1 + 1e-12)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_rate_depends_on_the_step_alone_and_not_on_those_asked_for_before(kind: type[ScheduleOptions]) -> None:
    """What makes it possible to run any epoch again."""
    schedule = kind.model_validate({})
    forwards = rates(schedule, steps_per_epoch=5, epochs=4)
    backwards = [schedule.learning_rate(0.5, step=step, steps_per_epoch=5, epochs=4) for step in reversed(range(20))]
    assert forwards == backwards[::-1]
