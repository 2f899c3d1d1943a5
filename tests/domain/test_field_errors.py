"""Errors in words: where, what, and what is allowed, for whatever a client may send."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service import submission
from service.domain.field_errors import MOST_ERRORS, field_errors, nearest_first, pointer
from service.domain.spec import ExperimentSpec
from service.errors import FieldError, InvalidSpecError

SCHEMA = ExperimentSpec.model_json_schema(mode="validation")
GOOD: dict[str, Any] = {"dataset": "mnist", "architecture": "mlp"}


def errors_of(document: Any) -> tuple[FieldError, ...]:
    """All that is wrong with it; none where it is a spec."""
    try:
        ExperimentSpec.model_validate(document)
    except ValidationError as error:
        return field_errors(error.errors(), SCHEMA, document)
    return ()


def said(document: Any) -> list[tuple[str, str, str]]:
    """The same as plain tuples."""
    return [(each.pointer, each.detail, each.code) for each in errors_of(document)]


def augmented(augmentation: Any) -> dict[str, Any]:
    """The part of a spec that asks for this."""
    return {"dataset": {"name": "mnist", "augmentation": augmentation}}


DATASETS = "mnist, emnist_digits, qmnist, kmnist, fashion_mnist, digits, synthetic, usps"
SHOWN: list[tuple[Any, str, str, str]] = [
    # What is missing, or no object at all.
    ({"architecture": "mlp"}, "#/dataset", "is required", "missing"),
    ({"dataset": {}, "architecture": "mlp"}, "#/dataset/name", "is required", "missing"),
    (GOOD | {"optimizer": {}}, "#/optimizer/name",
     "is required; allowed: adadelta, adagrad, adam, adamw, rmsprop, sgd", "missing"),
    (GOOD | {"optimizer": {"name": "adam", "betas": [0.9]}}, "#/optimizer/betas/1", "is required", "missing"),
    ([], "#", "must be an object, not []", "wrong_type"),
    ("mnist", "#", "must be an object, not 'mnist'", "wrong_type"),
    (GOOD | {"dataset": 3}, "#/dataset", "must be an object, not 3", "wrong_type"),
    (GOOD | {"architecture": [1]}, "#/architecture", "must be an object, not [1]", "wrong_type"),
    # Misspelt names and fields: what is allowed, nearest first.
    (GOOD | {"epoch": 3}, "#/epoch",
     "unknown field 'epoch'; allowed: epochs, checkpoints, ...", "unknown_field"),
    (GOOD | {"architecture": {"name": "mlp", "hiden": [3]}}, "#/architecture/hiden",
     "unknown field 'hiden'; allowed: hidden, batch_norm, name, dropout", "unknown_field"),
    (GOOD | {"schedule": {"name": "constant", "gamma": 1}}, "#/schedule/gamma",
     "unknown field 'gamma'; allowed: name", "unknown_field"),
    (GOOD | {"architecture": "mpl"}, "#/architecture",
     "unknown name 'mpl'; allowed: mlp, mnist_example, lenet5, perceptron, cnn", "unknown_name"),
    (GOOD | {"architecture": {"name": "mpl"}}, "#/architecture/name",
     "unknown name 'mpl'; allowed: mlp, mnist_example, lenet5, perceptron, cnn", "unknown_name"),
    (GOOD | {"activation": "ReLu"}, "#/activation",
     "unknown name 'ReLu'; allowed: relu, elu, gelu, leaky_relu, silu, softplus, identity, sigmoid, tanh",
     "unknown_name"),
    (GOOD | {"optimizer": "adm"}, "#/optimizer",
     "unknown name 'adm'; allowed: adam, adamw, adagrad, adadelta, sgd, rmsprop", "unknown_name"),
    (GOOD | {"schedule": "onecycle"}, "#/schedule",
     "unknown name 'onecycle'; allowed: one_cycle, cosine, exponential, constant, step", "unknown_name"),
    (GOOD | {"loss": "mse"}, "#/loss", "unknown name 'mse'; allowed: cross_entropy", "unknown_name"),
    (GOOD | augmented("flip"), "#/dataset/augmentation",
     "unknown name 'flip'; allowed: affine, elastic, shift, rotate", "unknown_name"),
    (GOOD | augmented(["shift", "rotat"]), "#/dataset/augmentation/1",
     "unknown name 'rotat'; allowed: rotate, shift, affine, elastic", "unknown_name"),
    (GOOD | augmented({"name": "shift", "pixel": 3}), "#/dataset/augmentation/pixel",
     "unknown field 'pixel'; allowed: pixels, name", "unknown_field"),
    (GOOD | augmented(["shift", {"degrees": 3}]), "#/dataset/augmentation/1/name",
     "is required; allowed: affine, elastic, rotate, shift", "missing"),
    (GOOD | augmented([{"name": "elastic", "sigma": 0}]), "#/dataset/augmentation/0/sigma",
     "must be between 1 and 32", "out_of_range"),
    (GOOD | augmented(["shift"] * 5), "#/dataset/augmentation", "must have at most 4 items", "out_of_range"),
    (GOOD | augmented(3), "#/dataset/augmentation", "must be an object, not 3", "wrong_type"),
    (GOOD | augmented([None]), "#/dataset/augmentation/0", "must be an object, not null", "wrong_type"),
    (GOOD | augmented(["rotate", {"name": "shift", "pixels": 15}]), "#/dataset/augmentation",
     "shift moves by up to 15 pixels; at most 14 are allowed: half of an image's side", "out_of_range"),
    (GOOD | {"device": "gpu"}, "#/device", "unknown name 'gpu'; allowed: cpu, mps, auto, cuda", "unknown_name"),
    (GOOD | {"device": 3}, "#/device", "must be one of: auto, cpu, cuda, mps; not 3", "wrong_type"),
    (GOOD | {"checkpoints": {"keep": "bets"}}, "#/checkpoints/keep",
     "unknown name 'bets'; allowed: best_and_last, last, all", "unknown_name"),
    # Bounds, each in its own form.
    (GOOD | {"epochs": 0}, "#/epochs", "must be between 1 and 10000", "out_of_range"),
    (GOOD | {"batch_size": 65_537}, "#/batch_size", "must be between 1 and 65536", "out_of_range"),
    (GOOD | {"seed": -1}, "#/seed", "must be at least 0 and below 9223372036854775808", "out_of_range"),
    (GOOD | {"architecture": {"name": "mlp", "hidden": [64, 0]}}, "#/architecture/hidden/1",
     "must be between 1 and 65536", "out_of_range"),
    (GOOD | {"architecture": {"name": "mlp", "hidden": [1] * 64}}, "#/architecture/hidden",
     "must have at most 63 items", "out_of_range"),
    (GOOD | {"architecture": {"name": "cnn", "channels": []}}, "#/architecture/channels",
     "must have 1 to 63 items", "out_of_range"),
    (GOOD | {"architecture": {"name": "mlp", "dropout": 1}}, "#/architecture/dropout",
     "must be at least 0 and below 1", "out_of_range"),
    (GOOD | {"optimizer": {"name": "sgd", "learning_rate": 0}}, "#/optimizer/learning_rate",
     "must be above 0 and at most 1000", "out_of_range"),
    (GOOD | {"optimizer": {"name": "adam", "betas": [0.9, 0.9, 0.9]}}, "#/optimizer/betas",
     "must have 2 items", "out_of_range"),
    (GOOD | {"schedule": {"name": "one_cycle", "warmup_fraction": 1}}, "#/schedule/warmup_fraction",
     "must be between 0 and 1, both excluded", "out_of_range"),
    (GOOD | {"dataset": {"name": "mnist", "validation_fraction": 0.6}}, "#/dataset/validation_fraction",
     "must be between 0.01 and 0.5", "out_of_range"),
    (GOOD | {"dataset": {"name": "mnist", "train_size": 0}}, "#/dataset/train_size",
     "must be at least 1", "out_of_range"),
    (GOOD | {"dataset": {"name": "mnist", "train_size": 60_001}}, "#/dataset/train_size",
     "must be at most 54000: that is what validation leaves for training", "out_of_range"),
    (GOOD | {"name": "x" * 201}, "#/name", "must have 1 to 200 characters", "out_of_range"),
    (GOOD | {"tags": ["a", ""]}, "#/tags/1", "must have 1 to 64 characters", "out_of_range"),
    (GOOD | {"tags": ["a"] * 33}, "#/tags", "must have at most 32 items", "out_of_range"),
    (GOOD | {"optimizer": {"name": "sgd", "momentum": 0, "nesterov": True}}, "#/optimizer/nesterov",
     "needs a momentum above 0", "out_of_range"),
    # Types.
    (GOOD | {"epochs": "5"}, "#/epochs", "must be an integer, not '5'", "wrong_type"),
    (GOOD | {"epochs": 2.5}, "#/epochs", "must be an integer, not 2.5", "wrong_type"),
    (GOOD | {"optimizer": {"name": "sgd", "learning_rate": "fast"}}, "#/optimizer/learning_rate",
     "must be a number, not 'fast'", "wrong_type"),
    (GOOD | {"optimizer": {"name": "sgd", "learning_rate": float("nan")}}, "#/optimizer/learning_rate",
     "must be a finite number, not nan", "wrong_type"),
    (GOOD | {"optimizer": {"name": "sgd", "nesterov": 1}}, "#/optimizer/nesterov",
     "must be true or false, not 1", "wrong_type"),
    (GOOD | {"tags": "tp3"}, "#/tags", "must be a list, not 'tp3'", "wrong_type"),
    (GOOD | {"name": 3}, "#/name", "must be a string, not 3", "wrong_type"),
    (GOOD | {"epochs": ["x" * 100]}, "#/epochs", f"must be an integer, not ['{'x' * 55}...", "wrong_type"),
    # Text that must not get any further.
    (GOOD | {"name": "a\x00b"}, "#/name", "must hold printable characters only", "not_printable"),
    (GOOD | {"tags": ["a\nb"]}, "#/tags/0", "must hold printable characters only", "not_printable"),
    (GOOD | {"name": "\ud800"}, "#/name", "must be a string of valid Unicode, not '\\ud800'", "wrong_type"),
    (GOOD | {"a/b~c\x00": 1}, "#/a~1b~0c\x00",
     "unknown field 'a/b~c\\x00'; allowed: ...", "unknown_field"),
    # What an architecture says of itself.
    (GOOD | {"architecture": {"name": "cnn", "kernel_size": 4}}, "#/architecture/kernel_size",
     "4 is even: only an odd kernel has a middle pixel and keeps the image's size", "value_error"),
    (GOOD | {"architecture": {"name": "cnn", "channels": [1] * 40, "hidden": [1] * 40}}, "#/architecture",
     "81 layers with weights, the output among them; at most 64 are allowed", "value_error"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "where", "what", "code"), SHOWN, ids=range(len(SHOWN)))
def test_the_error_says_where_what_and_what_is_allowed(document: Any, where: str, what: str, code: str) -> None:
    ((pointer, detail, found),) = said(document)
    assert (pointer, found) == (where, code)
    assert detail == what or (what.endswith(" ...") and detail.startswith(what.removesuffix("...")))


def test_every_wrong_field_has_its_error() -> None:
    document = {
        "dataset": {"name": "mnits", "train_size": 0},
        "architecture": {"name": "mlp", "hidden": [0, 5, "a"], "x": 1},
        "epochs": 0,
        "optimizer": "sdg",
    }
    assert [pointer for pointer, *_ in said(document)] == [
        "#/dataset/name",
        "#/dataset/train_size",
        "#/architecture/hidden/0",
        "#/architecture/hidden/2",
        "#/architecture/x",
        "#/optimizer",
        "#/epochs",
    ]


def test_the_names_allowed_come_nearest_first() -> None:
    assert nearest_first("mnst", ["usps", "kmnist", "mnist"]) == "mnist, kmnist, usps"
    assert nearest_first("USPS", ["mnist", "usps"]) == "usps, mnist"
    assert nearest_first("", ["b", "a"]) == "b, a"
    ((_, detail, _),) = said(GOOD | {"dataset": "mnits"})
    assert detail.startswith("unknown name 'mnits'; allowed: mnist, ")
    assert sorted(detail.removeprefix("unknown name 'mnits'; allowed: ").split(", ")) == sorted(DATASETS.split(", "))


def test_a_pointer_is_escaped_as_its_standard_says() -> None:
    assert pointer(()) == "#"
    assert pointer(("a/b", "m~n", 0, "")) == "#/a~1b/m~0n/0/"


BOMBS: dict[str, Any] = {
    "10^6 layers": GOOD | {"architecture": {"name": "mlp", "hidden": [1] * 10**6}},
    "10^9 units": GOOD | {"architecture": {"name": "mlp", "hidden": [10**9]}},
    "10^9 epochs": GOOD | {"epochs": 10**9},
    "a learning rate that is no number": GOOD | {"optimizer": {"name": "sgd", "learning_rate": float("nan")}},
    "an integer of thousands of digits": GOOD | {"epochs": 10**4000},
    "a misspelt name without end": GOOD | {"activation": "re" * 100_000},
    "a field without end": GOOD | {"lu" * 100_000: 1},
    "a list in a list in a list": GOOD | {"epochs": json.loads("[" * 800 + "]" * 800)},
    "names in names": GOOD | {"optimizer": {"name": {"name": {"name": "sgd"}}}},
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_at_once(bomb: str) -> None:
    seconds = []
    for _ in range(3):  # the machine may be busy; work that is too long is so every time
        started = time.perf_counter()
        errors = errors_of(BOMBS[bomb])
        seconds.append(time.perf_counter() - started)
    assert len(errors) == 1
    assert len(errors[0].detail) < 500
    assert min(seconds) < 0.05


def test_a_thousand_million_parameters_are_counted_without_making_any() -> None:
    document = GOOD | {"architecture": {"name": "mlp", "hidden": [65_536] * 63}}
    submission.check(ExperimentSpec.model_validate(GOOD))  # torch is imported by now
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        with pytest.raises(InvalidSpecError) as caught:
            submission.check(ExperimentSpec.model_validate(document))
        seconds.append(time.perf_counter() - started)
    (error,) = caught.value.errors
    assert (error.pointer, error.code) == ("#/architecture", "too_many_parameters")
    total = (784 + 1) * 65_536 + 62 * (65_536 + 1) * 65_536 + (65_536 + 1) * 10
    assert error.detail == f"has {total:,} parameters; at most 50,000,000 are allowed"
    assert min(seconds) < 0.05


@pytest.mark.parametrize(
    "document", [GOOD | {f"x{number}": 1 for number in range(20_000)}, GOOD | {"tags": [1] * 100_000}]
)
def test_of_very_many_errors_the_first_are_answered(document: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        ExperimentSpec.model_validate(document)
    errors = caught.value.errors()
    started = time.perf_counter()
    found = field_errors(errors, SCHEMA, document)
    assert time.perf_counter() - started < 1
    assert len(found) == MOST_ERRORS
    assert len(errors) >= 20_000


FIELDS = st.sampled_from(
    [*ExperimentSpec.model_fields, "hidden", "channels", "learning_rate", "momentum", "betas", "patience", "keep", "x"]
)
WORDS = st.sampled_from(["mnist", "mlp", "cnn", "sgd", "adam", "one_cycle", "relu", "val_loss", "cross_entropy", "all"])
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(st.characters(exclude_categories=()))
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(FIELDS | st.text(st.characters(exclude_categories=())), inner, max_size=4)
        | st.builds(lambda name, more: {"name": name} | more, WORDS, st.dictionaries(FIELDS, inner, max_size=3))
    ),
    max_leaves=12,
)
SPECS = st.builds(lambda good, more: {**good, **more}, st.sampled_from([{}, GOOD]), st.dictionaries(FIELDS, JSON))


@settings(max_examples=400, deadline=None)
@given(document=JSON | SPECS)
def test_whatever_is_sent_is_a_spec_or_has_errors_in_words(document: Any) -> None:
    errors = errors_of(document)
    if not errors:
        spec = ExperimentSpec.model_validate(document)
        assert ExperimentSpec.model_validate_json(spec.model_dump_json()) == spec
        return
    for error in errors:
        assert error.pointer.startswith("#")
        assert error.detail
        assert error.code
        json.loads(error.model_dump_json())  # a lone surrogate could not be encoded
