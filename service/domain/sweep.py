"""A sweep: a base, a grid and random samples of values laid over it, and seeds.

Which values are drawn is in `sweep_samples.py`, which experiments that makes in `sweep_layout.py`.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from service.domain.experiment import Experiment, State
from service.domain.record import Record
from service.domain.spec import ExperimentSpec, Seed

MAX_EXPERIMENTS = 1_000

Choice = Mapping[str, int]
"""Of each path of the grid or of the samples, which of its values."""


class Scale(StrEnum):
    """Between which marks of a ruler a draw is as likely: those of numbers, or those of their logarithms."""

    LINEAR = "linear"
    LOG = "log"


class Draw(Record):
    """What one path is drawn from: a list of values, or a range of numbers, whole ones where the field takes these."""

    values: Annotated[tuple[Any, ...], Field(min_length=1)] | None = None
    low: Annotated[float, Field(strict=True)] | None = None
    high: Annotated[float, Field(strict=True)] | None = None
    scale: Scale = Scale.LINEAR

    @model_validator(mode="after")
    def _is_a_list_or_a_range(self) -> Self:
        if (self.values is None) != (self.low is not None and self.high is not None) or (
            self.values is not None and (self.low is not None or self.high is not None)
        ):
            raise PydanticCustomError("no_range", "must be a list of values, or an object with `low` and `high`")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise PydanticCustomError("out_of_range", "must have a `low` below its `high`")
        if self.low is not None and self.low <= 0 and self.scale is Scale.LOG:
            raise PydanticCustomError("out_of_range", "must have a `low` above 0: zero has no logarithm")
        return self


def _as_values(given: object) -> object:
    """A list stands for a draw from it."""
    return {"values": given} if isinstance(given, list | tuple) else given


AnyDraw = Annotated[Draw, BeforeValidator(_as_values, json_schema_input_type=tuple[Any, ...] | Draw)]


class SweepRequest(Record):
    """What makes the experiments of a sweep."""

    base: Annotated[
        dict[str, Any], Field(default_factory=dict, description="A spec; what is laid over it may be left out")
    ]
    grid: Annotated[
        dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]],
        Field(
            default_factory=dict,
            description="Values of spec fields, which are named by paths such as `architecture.hidden`",
        ),
    ]
    random: dict[str, AnyDraw] = Field(
        default_factory=dict,
        description="What spec fields are drawn from: a list, or `low`, `high` and `scale`, `linear` or `log`",
    )
    samples: Annotated[int, Field(ge=1, le=MAX_EXPERIMENTS, strict=True)] | None = None
    sample_seed: Seed = 0
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] | None = None


class Sweep(Record):
    """What has become of a sweep, as its experiments say: those that were deleted are not counted."""

    id: str
    count: int
    states: dict[State, int]
    created_at: datetime
    items: tuple[Experiment, ...]


class SweepAccepted(Record):
    """A sweep that is stored; its experiments in their order."""

    id: str
    count: int
    experiment_ids: tuple[str, ...]


class Planned(NamedTuple):
    """An experiment that a sweep makes."""

    spec: ExperimentSpec
    parameters: int
