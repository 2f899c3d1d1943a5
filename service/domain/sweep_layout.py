"""Which experiments a sweep makes, and in which order.

The last path of the grid varies faster than those before it, and the seeds fastest of all, so that runs that differ in
nothing but their seed are neighbours.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

from pydantic import ValidationError

from service.domain.field_errors import MOST_ERRORS, dotted_paths, field_errors, nearest_first, pointer
from service.domain.spec import ExperimentSpec
from service.domain.sweep import MAX_EXPERIMENTS, Choice, Planned, SweepRequest
from service.domain.sweep_errors import Wrong, place, told
from service.errors import FieldError, InvalidSpecError


def expand(request: SweepRequest, *, check: Callable[[ExperimentSpec], int]) -> list[Planned]:
    """All experiments; `InvalidSpecError` where any of them is wrong, with pointers into the request.

    `check` counts the parameters of a spec, or raises `InvalidSpecError`. Of very many wrong experiments the first
    hundred are told.
    """
    _refuse_unknown_paths(request.grid)
    _refuse_too_many(request)
    planned: list[Planned] = []
    looked_at: list[Choice] = []
    found: dict[Wrong, list[Choice]] = {}
    wrong = 0
    for choice in _choices(request.grid):
        looked_at.append(choice)
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
        for each in errors:
            found.setdefault(place(each, request, choice), []).append(choice)
        wrong += 1
        if wrong == MOST_ERRORS:
            break
    if found:
        raise InvalidSpecError(tuple(told(each, request, found[each], looked_at) for each in found))
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
