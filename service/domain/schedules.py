"""Learning-rate schedules as pure functions of the step: any epoch can be run again without a scheduler's state.

`step` and `exponential` change between epochs, `cosine` and `one_cycle` between batches.
"""

import math
from abc import ABC, abstractmethod
from typing import Annotated, Literal, get_args

from pydantic import Field

from service.domain.record import Record

Factor = Annotated[float, Field(gt=0, le=1, strict=True)]


class ScheduleOptions(Record, ABC):
    """A schedule answers the learning rate of a step; steps and epochs are counted from 0 here."""

    name: str

    @abstractmethod
    def learning_rate(self, initial: float, *, step: int, steps_per_epoch: int, epochs: int) -> float:
        """The learning rate of `step` (over the whole run), given the optimizer's own."""


class Constant(ScheduleOptions):
    """The optimizer's learning rate throughout."""

    name: Literal["constant"] = "constant"

    def learning_rate(self, initial: float, *, step: int, steps_per_epoch: int, epochs: int) -> float:  # noqa: ARG002  # a constant needs none of them
        return initial


class Step(ScheduleOptions):
    """Times `gamma` after every `step_size` epochs."""

    name: Literal["step"] = "step"
    step_size: Annotated[int, Field(ge=1, le=10_000, strict=True)] = 10
    gamma: Factor = 0.1

    def learning_rate(self, initial: float, *, step: int, steps_per_epoch: int, epochs: int) -> float:  # noqa: ARG002  # needs no end
        return initial * float(self.gamma ** (step // steps_per_epoch // self.step_size))


class Exponential(ScheduleOptions):
    """Times `gamma` after every epoch."""

    name: Literal["exponential"] = "exponential"
    gamma: Factor = 0.95

    def learning_rate(self, initial: float, *, step: int, steps_per_epoch: int, epochs: int) -> float:  # noqa: ARG002  # needs no end
        return initial * float(self.gamma ** (step // steps_per_epoch))


class Cosine(ScheduleOptions):
    """Half a cosine from the optimizer's learning rate down to 0 over the run: arXiv:1608.03983 without restarts."""

    name: Literal["cosine"] = "cosine"

    def learning_rate(self, initial: float, *, step: int, steps_per_epoch: int, epochs: int) -> float:
        return initial * 0.5 * (1 + math.cos(math.pi * step / (steps_per_epoch * epochs)))


class OneCycle(ScheduleOptions):
    """Up to `max_learning_rate` and down to nothing, half cosines: Smith and Topin, arXiv:1708.07120.

    It sets the learning rate by itself: that of the optimizer is not used. It starts at 1/25 of the maximum and ends at
    1/250,000 of it, as `torch.optim.lr_scheduler.OneCycleLR` does; unlike there, momentum stays constant.
    """

    name: Literal["one_cycle"] = "one_cycle"
    max_learning_rate: Annotated[float, Field(gt=0, le=1000, strict=True)] = 0.1
    warmup_fraction: Annotated[float, Field(gt=0, lt=1, strict=True)] = 0.3

    def learning_rate(self, initial: float, *, step: int, steps_per_epoch: int, epochs: int) -> float:  # noqa: ARG002  # sets its own
        steps = steps_per_epoch * epochs
        peak, last = self.warmup_fraction * steps - 1, steps - 1
        lowest, start = self.max_learning_rate / 250_000, self.max_learning_rate / 25
        if step <= peak and peak > 0:
            return _half_cosine(start, self.max_learning_rate, step / peak)
        return _half_cosine(self.max_learning_rate, lowest, (step - peak) / (last - peak))


def _half_cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction)))


AnySchedule = Constant | Step | Exponential | Cosine | OneCycle
SCHEDULES: tuple[type[ScheduleOptions], ...] = get_args(AnySchedule)
