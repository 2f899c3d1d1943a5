"""A sweep's experiments: their order, their specs, and where in the request what is wrong with them is."""

import math
import statistics
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

LOG_RATE = {"low": 1e-4, "high": 1e-1, "scale": "log"}
WRONG_SAMPLES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"random": {"architecture.hiden": [[8]], "seed": [1]}, "samples": 2},
     [("#/random/architecture.hiden", "unknown field 'architecture.hiden'; allowed: architecture.hidden, "),
      ("#/random/seed", "the seeds are given in `seeds`, beside the random")]),
    ({"random": {"epochs": [1]}}, [("#/samples", "is required: how many times `random` is drawn from")]),
    ({"samples": 3}, [("#/samples", "there is nothing to draw them from: `random` is empty")]),
    ({"grid": {"epochs": [1]}, "random": {"epochs": [2]}, "samples": 1},
     [("#/random/epochs", "is set by the grid already")]),
    ({"random": {"epochs": {"low": 1.2, "high": 1.8}}, "samples": 1},
     [("#/random/epochs", "holds no whole number, which is what this field takes")]),
    ({"random": {"architecture.hidden": [[0]]}, "samples": 9},
     [("#/random/architecture.hidden/0/0", "must be between 1 and 65536")]),
    ({"random": {"architecture.hidden": [[2000]]}, "grid": {"epochs": [1, 2]}, "samples": 9},
     [("#/random/architecture.hidden/0", "is too wide")]),
    ({"random": {"epochs": {"low": 10_001, "high": 10_001.5}}, "samples": 2},
     [("#/random/epochs", "must be between 1 and 10000; drawn: 10001")]),
    ({"random": {"optimizer.learning_rate": LOG_RATE}, "samples": 101, "seeds": tuple(range(10))},
     [("#/samples", "grid, samples and seeds make 1,010 experiments; at most 1,000 are allowed")]),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "expected"), WRONG_SAMPLES, ids=range(len(WRONG_SAMPLES)))
def test_what_is_wrong_with_samples_is_told_where_it_is(
    request_: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = said(base=BASE, **request_)
    assert [pointer for pointer, _, _ in found] == [pointer for pointer, _ in expected]
    for (_, detail, _), (_, part) in zip(found, expected, strict=True):
        assert detail == part or (detail.startswith(part) and "allowed: " in part)


def test_samples_lie_between_their_bounds_on_their_scale_and_are_whole_where_the_field_is() -> None:
    random = {
        "optimizer.learning_rate": LOG_RATE, "optimizer.momentum": {"low": 0.5, "high": 0.9},
        "batch_size": {"low": 16, "high": 256, "scale": "log"}, "epochs": {"low": 1, "high": 3},
        "activation": ["tanh", "relu"],
    }  # fmt: skip
    made = specs(base=BASE, random=random, samples=400)
    rates = [math.log10(spec.optimizer.learning_rate) for spec in made]
    assert -4 <= min(rates) < -3.95
    assert -1.05 < max(rates) <= -1
    assert [sum(low <= rate < low + 1 for rate in rates) for low in (-4, -3, -2)] == pytest.approx([133] * 3, abs=30)
    momenta = [spec.optimizer.model_dump()["momentum"] for spec in made]
    assert (min(momenta) >= 0.5, max(momenta) <= 0.9) == (True, True)
    assert statistics.mean(momenta) == pytest.approx(0.7, abs=0.02)
    sizes = [spec.batch_size for spec in made]
    assert min(sizes) == 16
    assert max(sizes) == pytest.approx(256, abs=9)
    assert sum(size <= 64 for size in sizes) == pytest.approx(200, abs=40)
    assert [[spec.epochs for spec in made].count(epochs) for epochs in (1, 2, 3)] == pytest.approx([133] * 3, abs=30)
    assert [spec.activation for spec in made].count("tanh") == pytest.approx(200, abs=40)


def test_samples_are_the_same_each_time_whatever_else_is_drawn() -> None:
    rate = {"optimizer.learning_rate": LOG_RATE}
    first = [spec.optimizer.learning_rate for spec in specs(base=BASE, random=rate, samples=5, sample_seed=3)]
    assert first == [0.0001215, 0.0009289, 0.0002029, 0.0002135, 0.0008424]
    more = specs(base=BASE, random={"epochs": [1, 2], **rate}, samples=8, sample_seed=3)
    assert [spec.optimizer.learning_rate for spec in more][:5] == first
    assert [spec.optimizer.learning_rate for spec in specs(base=BASE, random=rate, samples=5)] != first


def test_every_sample_is_made_with_every_value_of_the_grid_and_every_seed() -> None:
    made = specs(
        base=BASE, grid={"activation": ["tanh", "relu"]}, random={"optimizer.learning_rate": LOG_RATE}, samples=2,
        seeds=(0, 1),
    )  # fmt: skip
    rates = [spec.optimizer.learning_rate for spec in made]
    assert [spec.activation for spec in made] == ["tanh"] * 4 + ["relu"] * 4
    assert [spec.seed for spec in made] == [0, 1] * 4
    assert rates[:4] == rates[4:]
    assert (rates[0] == rates[1], rates[0] == rates[2]) == (True, False)


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
        ({"random": {"epochs": []}}, "#/random/epochs/values", "must have at least 1 items"),
        ({"random": {"epochs": 3}}, "#/random/epochs", "must be an object, not 3"),
        ({"random": {"epochs": {"low": 3}}}, "#/random/epochs", "must be a list of values, or an object with"),
        ({"random": {"epochs": {"low": 3, "high": 2}}}, "#/random/epochs", "must have a `low` below its `high`"),
        ({"random": {"epochs": {"low": 0, "high": 2, "scale": "log"}}}, "#/random/epochs", "must have a `low` above 0"),
        (
            {"random": {"epochs": {"low": 1, "high": 2, "scale": "lg"}}},
            "#/random/epochs/scale",
            "unknown name 'lg'; allowed: log, linear",
        ),
        ({"random": {"epochs": {"low": "1", "high": 2}}}, "#/random/epochs/low", "must be a number, not '1'"),
        ({"samples": 0}, "#/samples", "must be between 1 and 1000"),
    ],
)
def test_a_request_that_is_none_is_told_field_by_field(document: Any, pointer: str, detail: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SweepRequest.model_validate(document)
    (error,) = field_errors(caught.value.errors(), SweepRequest.model_json_schema(), document)
    assert error.pointer == pointer
    assert error.detail.startswith(detail)
