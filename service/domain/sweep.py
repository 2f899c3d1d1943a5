"""A sweep: a base, a grid of values laid over it, and seeds. Which experiments that makes is in `sweep_layout.py`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from service.domain.experiment import Experiment, State
from service.domain.record import Record
from service.domain.spec import ExperimentSpec, Seed

MAX_EXPERIMENTS = 1_000

Choice = Mapping[str, int]
"""Of each path of the grid, which of its values."""


class SweepRequest(Record):
    """What makes the experiments of a sweep."""

    base: Annotated[
        dict[str, Any], Field(default_factory=dict, description="A spec; what the grid sets may be left out")
    ]
    grid: Annotated[
        dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]],
        Field(
            default_factory=dict,
            description="Values of spec fields, which are named by paths such as `architecture.hidden`",
        ),
    ]
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
