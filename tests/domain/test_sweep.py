"""A sweep's experiments: their order, their specs, and where in the request what is wrong with them is."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.domain.field_errors import MOST_ERRORS, field_errors
from service.domain.spec import ExperimentSpec
from service.domain.sweep import MAX_EXPERIMENTS, SweepRequest
from service.domain.sweep_layout import expand
from service.errors import FieldError, InvalidSpecError

BASE: dict[str, Any] = {"dataset": "digits", "architecture": "mlp"}
WIDEST = 1000


def check(spec: ExperimentSpec) -> int:
    """A count of units and a limit, as real ones have."""
    units = sum(getattr(spec.architecture, "hidden", ()))
    if units > WIDEST:
        raise InvalidSpecError((FieldError(pointer="#/architecture", detail="is too wide", code="too_wide"),))
    return units


def specs(**request: Any) -> list[ExperimentSpec]:
    """Those of the sweep."""
    return [spec for spec, _ in expand(SweepRequest(**request), check=check)]


def said(**request: Any) -> list[tuple[str, str, str]]:
    """What is wrong with the sweep, as plain tuples."""
    with pytest.raises(InvalidSpecError) as caught:
        expand(SweepRequest(**request), check=check)
    return [(each.pointer, each.detail, each.code) for each in caught.value.errors]


def test_every_combination_is_made_with_the_last_path_varying_faster_and_the_seeds_fastest() -> None:
    grid = {"activation": ["tanh", "relu"], "architecture.hidden": [[64], [128, 64]]}
    planned = expand(SweepRequest(base=BASE, grid=grid, seeds=(2, 0)), check=check)
    made = [
        (spec.activation, spec.architecture.model_dump()["hidden"], spec.seed, parameters)
        for spec, parameters in planned
    ]
    assert made == [
        ("tanh", (64,), 2, 64), ("tanh", (64,), 0, 64), ("tanh", (128, 64), 2, 192), ("tanh", (128, 64), 0, 192),
        ("relu", (64,), 2, 64), ("relu", (64,), 0, 64), ("relu", (128, 64), 2, 192), ("relu", (128, 64), 0, 192),
    ]  # fmt: skip


def test_each_is_the_spec_that_it_would_be_alone() -> None:
    base = {"dataset": {"name": "usps", "train_size": 500}, "architecture": "mlp", "tags": ["a"], "seed": 5}
    made = specs(base=base, grid={"optimizer.learning_rate": [0.1], "early_stopping.patience": [3]})
    alone = {**base, "optimizer": {"name": "sgd", "learning_rate": 0.1}, "early_stopping": {"patience": 3}}
    assert made == [ExperimentSpec.model_validate(alone)]
    assert [spec.seed for spec in specs(base=base, seeds=(7, 8))] == [7, 8]
    assert specs(base=base) == [ExperimentSpec.model_validate(base)]


def test_a_whole_object_comes_before_its_fields_wherever_it_stands_in_the_grid() -> None:
    grid = {"architecture.hidden": [[8]], "architecture": ["mlp", {"name": "cnn", "channels": [4]}]}
    mlp, cnn = (spec.architecture.model_dump() for spec in specs(base={"dataset": "digits"}, grid=grid))
    assert (mlp["name"], mlp["hidden"]) == ("mlp", (8,))
    assert (cnn["name"], cnn["channels"], cnn["hidden"]) == ("cnn", (4,), (8,))


def test_the_base_may_be_a_preset_and_the_grid_may_hold_presets() -> None:
    grid = {"optimizer.learning_rate": [0.1, 0.2], "architecture.batch_norm": [False]}
    first, second = specs(base={"preset": "mnist-best", "epochs": 2}, grid=grid)
    assert first == ExperimentSpec.model_validate(
        {
            "preset": "mnist-best",
            "epochs": 2,
            "optimizer": {"learning_rate": 0.1},
            "architecture": {"batch_norm": False},
        }
    )
    assert second.optimizer.learning_rate == 0.2
    made = specs(grid={"preset": ["lab-relu", "lab-cnn"], "optimizer.learning_rate": [0.5]})
    assert [(spec.name, spec.optimizer.learning_rate) for spec in made] == [("lab-relu", 0.5), ("lab-cnn", 0.5)]


def test_the_name_is_that_of_the_base_unless_the_grid_gives_it() -> None:
    assert {spec.name for spec in specs(base={**BASE, "name": "mine"}, seeds=(0, 1))} == {"mine"}
    assert [spec.name for spec in specs(base=BASE, grid={"activation": ["tanh", "elu"]})] == [
        "digits-mlp-tanh", "digits-mlp-elu",
    ]  # fmt: skip
    assert [spec.name for spec in specs(base=BASE, grid={"name": ["a", "b"]})] == ["a", "b"]


WRONG: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    # Values of the grid.
    ({"base": BASE, "grid": {"architecture.hidden": [[8], [8, 0]]}},
     [("#/grid/architecture.hidden/1/1", "must be between 1 and 65536")]),
    ({"base": BASE, "grid": {"activation": ["tanh", "rlu"], "epochs": [1, 0, 2]}},
     [("#/grid/epochs/1", "must be between 1 and 10000"), ("#/grid/activation/1", "unknown name 'rlu'; allowed: ")]),
    ({"base": BASE, "grid": {"architecture": ["mlp", {"name": "mlp", "hidden": [0]}]}},
     [("#/grid/architecture/1/hidden/0", "must be between 1 and 65536")]),
    ({"base": BASE, "grid": {"architecture": ["mpl"], "architecture.dropout": [0.5]}},
     [("#/grid/architecture/0", "unknown name 'mpl'; allowed: mlp, ")]),
    ({"base": BASE, "grid": {"architecture": ["mlp", "perceptron"], "architecture.hidden": [[8]]}},
     [("#/grid/architecture.hidden/0", "unknown field 'hidden'; allowed: name; with architecture perceptron")]),
    ({"base": {}, "grid": {"preset": ["lab-relu", "lab-rleu"]}},
     [("#/grid/preset/1", "unknown name 'lab-rleu'; allowed: lab-relu, ")]),
    # A spec that is wrong as a whole: the one value that can make it so, else with those that do.
    ({"base": BASE, "grid": {"architecture.hidden": [[8], [600, 600]]}},
     [("#/grid/architecture.hidden/1", "is too wide")]),
    ({"base": BASE, "grid": {"architecture.hidden": [[8], [1200]], "architecture.dropout": [0.5]}},
     [("#/base/architecture", "is too wide; with architecture.hidden [1200], architecture.dropout 0.5")]),
    ({"base": {"dataset": {"name": "digits", "train_size": 2000}, "architecture": "mlp"},
      "grid": {"dataset.name": ["mnist", "digits"]}},
     [("#/base/dataset/train_size",
       "must be at most 1298: that is what validation leaves for training; with dataset.name digits")]),
    ({"base": {**BASE, "architecture": {"name": "mlp", "hidden": [1200]}}, "grid": {"epochs": [1]}},
     [("#/base/architecture", "is too wide")]),
    # The base.
    ({"base": {**BASE, "epochs": 0}, "grid": {"activation": ["tanh", "relu"]}, "seeds": (0, 1)},
     [("#/base/epochs", "must be between 1 and 10000")]),
    ({"base": {"dataset": "digits"}, "grid": {"activation": ["tanh", "relu"]}},
     [("#/base/architecture", "is required")]),
    ({"base": {"dataset": "digits"}, "grid": {"architecture.hidden": [[8]]}},
     [("#/base/architecture/name", "is required; allowed: ")]),
    ({"base": {**BASE, "architecture": "mpl"}, "grid": {"architecture.hidden": [[8]]}},
     [("#/base/architecture", "unknown name 'mpl'; allowed: mlp, ")]),
    ({"base": {**BASE, "architecture": 3}, "grid": {"architecture.hidden": [[8]]}},
     [("#/base/architecture", "must be an object, not 3")]),
    ({"base": {**BASE, "a.b/c": 3}, "grid": {"epochs": [1]}}, [("#/base/a.b~1c", "unknown field 'a.b/c'; allowed: ")]),
    # Paths.
    ({"base": BASE, "grid": {"architecture.hiden": [1], "epoch": [1]}},
     [("#/grid/architecture.hiden", "unknown field 'architecture.hiden'; allowed: architecture.hidden, "),
      ("#/grid/epoch", "unknown field 'epoch'; allowed: epochs, ")]),
    ({"base": BASE, "grid": {"seed": [1, 2]}}, [("#/grid/seed", "the seeds are given in `seeds`, beside the grid")]),
    ({"base": BASE, "grid": {"a/b": [1]}}, [("#/grid/a~1b", "unknown field 'a/b'; allowed: ")]),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "expected"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_told_once_and_where_it_is(request_: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = said(**request_)
    assert [pointer for pointer, _, _ in found] == [pointer for pointer, _ in expected]
    for (_, detail, _), (_, part) in zip(found, expected, strict=True):
        assert detail == part or (detail.startswith(part) and "allowed: " in part)


def test_too_many_are_refused_before_any_is_made() -> None:
    steps = [number / 10_000 for number in range(1, 102)]
    assert said(base={}, grid={"optimizer.learning_rate": steps}, seeds=tuple(range(10))) == [
        ("#/grid", "grid and seeds make 1,010 experiments; at most 1,000 are allowed", "too_many_experiments")
    ]
    assert len(specs(base=BASE, grid={"optimizer.learning_rate": steps[:100]}, seeds=tuple(range(10)))) == (
        MAX_EXPERIMENTS
    )


def test_of_very_many_wrong_values_the_first_are_told() -> None:
    assert len(said(base=BASE, grid={"epochs": [0] * MAX_EXPERIMENTS})) == MOST_ERRORS


@pytest.mark.parametrize(
    ("document", "pointer", "detail"),
    [
        ({"bas": {}}, "#/bas", "unknown field 'bas'; allowed: base, "),
        ({"base": "mlp"}, "#/base", "must be an object, not 'mlp'"),
        ({"grid": {"activation": "tanh"}}, "#/grid/activation", "must be a list, not 'tanh'"),
        ({"grid": {"activation": []}}, "#/grid/activation", "must have at least 1 items"),
        ({"grid": [1]}, "#/grid", "must be an object, not [1]"),
        ({"seeds": []}, "#/seeds", "must have at least 1 items"),
        ({"seeds": [0, -1]}, "#/seeds/1", "must be at least 0 and below 9223372036854775808"),
        ({"seeds": 3}, "#/seeds", "must be a list, not 3"),
    ],
)
def test_a_request_that_is_none_is_told_field_by_field(document: Any, pointer: str, detail: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SweepRequest.model_validate(document)
    (error,) = field_errors(caught.value.errors(), SweepRequest.model_json_schema(), document)
    assert error.pointer == pointer
    assert error.detail.startswith(detail)
