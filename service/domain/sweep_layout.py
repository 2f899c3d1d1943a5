"""Which experiments a sweep makes, and in which order.

The last path of the grid varies faster than those before it, the samples faster than the grid, and the seeds fastest of
all, so that runs that differ in nothing but their seed are neighbours.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

from pydantic import ValidationError

from service.domain.field_errors import (
    MOST_ERRORS,
    dotted_paths,
    field_errors,
    nearest_first,
    pointer,
    takes_whole_numbers,
)
from service.domain.spec import ExperimentSpec
from service.domain.sweep import MAX_EXPERIMENTS, Choice, Planned, SweepRequest
from service.domain.sweep_errors import Wrong, place, told
from service.domain.sweep_samples import Options, options, whole_bounds
from service.errors import FieldError, InvalidSpecError


def expand(request: SweepRequest, *, check: Callable[[ExperimentSpec], int]) -> list[Planned]:
    """All experiments; `InvalidSpecError` where any of them is wrong, with pointers into the request.

    `check` counts the parameters of a spec, or raises `InvalidSpecError`. Of very many wrong experiments the first
    hundred are told.
    """
    _refuse_unknown_paths(request)
    _refuse_samples_of_nothing(request)
    _refuse_too_many(request)
    laid = options(request, whole=_whole_numbers())
    planned: list[Planned] = []
    looked_at: list[Choice] = []
    found: dict[Wrong, list[Choice]] = {}
    wrong = 0
    for choice in _choices(request):
        looked_at.append(choice)
        document = _laid_over(request.base, laid, choice)
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
            found.setdefault(place(each, request, laid, choice), []).append(choice)
        wrong += 1
        if wrong == MOST_ERRORS:
            break
    if found:
        raise InvalidSpecError(tuple(told(each, laid, found[each], looked_at) for each in found))
    return planned


@cache
def _schema() -> dict[str, Any]:
    return ExperimentSpec.model_json_schema()


@cache
def _paths() -> tuple[str, ...]:
    return tuple(path for path in dotted_paths(_schema()) if path != "seed")


@cache
def _whole_numbers() -> frozenset[str]:
    return frozenset(path for path, here in dotted_paths(_schema()).items() if takes_whole_numbers(here))


def _refuse_unknown_paths(request: SweepRequest) -> None:
    given = [("grid", path) for path in request.grid] + [("random", path) for path in request.random]
    unknown = [(where, path) for where, path in given if path not in _paths()]
    errors = []
    for where, path in unknown[:MOST_ERRORS]:
        detail = f"unknown field {path[:60]!r}; allowed: {nearest_first(path, _paths())}"
        detail = f"the seeds are given in `seeds`, beside the {where}" if path == "seed" else detail
        errors.append(FieldError(pointer=pointer((where, path)), detail=detail, code="unknown_field"))
    if errors:
        raise InvalidSpecError(tuple(errors))


def _refuse_samples_of_nothing(request: SweepRequest) -> None:
    """Nor is there anything that is drawn no number of times, or set twice."""
    errors = [
        FieldError(pointer=pointer(("random", path)), detail="is set by the grid already", code="set_twice")
        for path in request.random
        if path in request.grid
    ]
    for path, draw in request.random.items():
        if draw.values is None and path in _whole_numbers() and whole_bounds(draw)[0] > whole_bounds(draw)[1]:
            detail = "holds no whole number, which is what this field takes"
            errors.append(FieldError(pointer=pointer(("random", path)), detail=detail, code="out_of_range"))
    if request.random and request.samples is None:
        detail = "is required: how many times `random` is drawn from"
        errors.append(FieldError(pointer="#/samples", detail=detail, code="missing"))
    if request.samples is not None and not request.random:
        detail = "there is nothing to draw them from: `random` is empty"
        errors.append(FieldError(pointer="#/samples", detail=detail, code="nothing_to_draw"))
    if errors:
        raise InvalidSpecError(tuple(errors))


def _refuse_too_many(request: SweepRequest) -> None:
    samples = request.samples or 1
    count = math.prod(len(values) for values in request.grid.values()) * samples * len(request.seeds or (0,))
    if count > MAX_EXPERIMENTS:
        what, at = ("grid and seeds", "#/grid") if request.samples is None else ("grid, samples and seeds", "#/samples")
        detail = f"{what} make {count:,} experiments; at most {MAX_EXPERIMENTS:,} are allowed"
        raise InvalidSpecError((FieldError(pointer=at, detail=detail, code="too_many_experiments"),))


def _choices(request: SweepRequest) -> Iterator[Choice]:
    for indices in product(*(range(len(values)) for values in request.grid.values())):
        chosen = dict(zip(request.grid, indices, strict=True))
        for sample in range(request.samples or 1):
            yield chosen | dict.fromkeys(request.random, sample)


def _laid_over(base: Mapping[str, Any], laid: Options, choice: Choice) -> dict[str, Any]:
    """The base with one value of each path; an object's own value comes before those of its fields."""
    document = dict(base)
    for path in sorted(choice, key=lambda path: path.count(".")):
        field, _, inner = path.partition(".")
        value = laid[path][choice[path]].value
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
