"""A sweep: a base, a grid of values laid over it, and seeds; which experiments that makes, and in which order.

The last path of the grid varies faster than those before it, and the seeds fastest of all, so that runs that differ in
nothing but their seed are neighbours.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import product
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from service.domain.experiment import Experiment, State
from service.domain.field_errors import MOST_ERRORS, dotted_paths, field_errors, nearest_first, pointer
from service.domain.record import Record
from service.domain.spec import ExperimentSpec, Seed
from service.errors import FieldError, InvalidSpecError

MAX_EXPERIMENTS = 1_000

Choice = Mapping[str, int]
"""Of each path of the grid, which of its values."""

_ABOUT_A_PLACE = frozenset({"missing", "unknown_field", "unknown_name", "wrong_type"})
"""Codes of errors about what stands at their pointer; any other may be about what lies below it, taken together."""


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


def expand(request: SweepRequest, *, check: Callable[[ExperimentSpec], int]) -> list[Planned]:
    """All experiments; `InvalidSpecError` where any of them is wrong, with pointers into the request.

    `check` counts the parameters of a spec, or raises `InvalidSpecError`. Of very many wrong experiments the first
    hundred are told.
    """
    _refuse_unknown_paths(request.grid)
    _refuse_too_many(request)
    planned: list[Planned] = []
    found: dict[tuple[str, str], FieldError] = {}
    wrong = 0
    for choice in _choices(request.grid):
        document = _laid_over(request, choice)
        try:
            spec = ExperimentSpec.model_validate(document)
            parameters = check(spec)
        except ValidationError as error:
            errors = field_errors(error.errors(), _schema(), document)
        except InvalidSpecError as error:
            errors = error.errors
        else:
            seeds = request.seeds or (spec.seed,)
            planned += [Planned(spec.model_copy(update={"seed": seed}), parameters) for seed in seeds]
            continue
        moved = (_moved(error, request, choice) for error in errors)
        found |= {(error.pointer, error.detail): error for error in moved}
        wrong += 1
        if wrong == MOST_ERRORS:
            break
    if found:
        raise InvalidSpecError(tuple(found.values()))
    return planned


@cache
def _schema() -> dict[str, Any]:
    return ExperimentSpec.model_json_schema()


@cache
def _paths() -> tuple[str, ...]:
    return tuple(path for path in dotted_paths(_schema()) if path != "seed")


def _refuse_unknown_paths(grid: Iterable[str]) -> None:
    unknown = [path for path in grid if path not in _paths()]
    errors = []
    for path in unknown[:MOST_ERRORS]:
        detail = f"unknown field {path[:60]!r}; allowed: {nearest_first(path, _paths())}"
        detail = "the seeds are given in `seeds`, beside the grid" if path == "seed" else detail
        errors.append(FieldError(pointer=pointer(("grid", path)), detail=detail, code="unknown_field"))
    if errors:
        raise InvalidSpecError(tuple(errors))


def _refuse_too_many(request: SweepRequest) -> None:
    count = math.prod(len(values) for values in request.grid.values()) * len(request.seeds or (0,))
    if count > MAX_EXPERIMENTS:
        detail = f"grid and seeds make {count:,} experiments; at most {MAX_EXPERIMENTS:,} are allowed"
        raise InvalidSpecError((FieldError(pointer="#/grid", detail=detail, code="too_many_experiments"),))


def _choices(grid: Mapping[str, tuple[Any, ...]]) -> Iterator[Choice]:
    for indices in product(*(range(len(values)) for values in grid.values())):
        yield dict(zip(grid, indices, strict=True))


def _laid_over(request: SweepRequest, choice: Choice) -> dict[str, Any]:
    """The base with one value of each path; an object's own value comes before those of its fields."""
    document = dict(request.base)
    for path in sorted(choice, key=lambda path: path.count(".")):
        field, _, inner = path.partition(".")
        value = request.grid[path][choice[path]]
        if inner:
            before = document.get(field, {} if "preset" in document else _default(field))
            before = {"name": before} if isinstance(before, str) else before
            if before is not None and not isinstance(before, dict):
                continue  # neither a name nor an object: that is what will be told
            value = {**(before or {}), inner: value}
        document[field] = value
    return document


def _default(field: str) -> object:
    """The name of what a spec has where it says nothing."""
    return getattr(ExperimentSpec.model_fields[field].default, "name", None)


def _moved(error: FieldError, request: SweepRequest, choice: Choice) -> FieldError:
    """The error with its pointer into the request: to the value of the grid that it is about, else into the base."""
    place = error.pointer.removeprefix("#").removeprefix("/")
    chosen = {path.replace(".", "/"): (path, at) for path, at in choice.items()}
    above = [each for each in chosen if f"{place}/".startswith(f"{each}/")]
    below = [each for each in chosen if each.startswith(f"{place}/")] if error.code not in _ABOUT_A_PLACE else []
    detail = error.detail
    if above:
        nearest = max(above, key=len)
        path, at = chosen[nearest]
        start, given, rest = pointer(("grid", path, at)), request.grid[path][at], place[len(nearest) + 1 :]
    elif len(below) == 1:
        start, given, rest = pointer(("grid", *chosen[below[0]])), None, ""
    else:
        field, _, rest = place.partition("/")
        start, given = f"#/base/{field}", request.base.get(field)
        if choice and error.code not in _ABOUT_A_PLACE:
            detail += "; with " + ", ".join(f"{path} {str(request.grid[path][at])[:40]}" for path, at in choice.items())
    if isinstance(given, str) and rest == "name":  # a name that became an object so that a field could be set
        rest = ""
    return FieldError(pointer=f"{start}/{rest}" if rest else start, detail=detail, code=error.code)
