"""The spec: short and long form are one, its hash is of what the numbers depend on, its limits are those documented."""

import json
import random
from typing import Any

import pytest
from pydantic import ValidationError

from service import activations, architectures, datasets
from service.domain.augmentations import AUGMENTATIONS
from service.domain.optimizers import OPTIMIZERS, Sgd
from service.domain.schedules import SCHEDULES
from service.domain.spec import ExperimentSpec

SHORT = {"dataset": "mnist", "architecture": "mlp", "activation": "relu", "epochs": 5}

LONG: dict[str, Any] = {
    "name": "usps-mlp-tanh",
    "dataset": {
        "name": "usps",
        "validation_fraction": 0.1,
        "train_size": None,
        "image_size": None,
        "augmentation": None,
    },
    "architecture": {"name": "mlp", "hidden": [256, 128], "dropout": 0.0, "batch_norm": False},
    "activation": "tanh",
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "weight_decay": 0.0, "momentum": 0.9, "nesterov": False},
    "schedule": {"name": "constant"},
    "loss": {"name": "cross_entropy", "label_smoothing": 0.0},
    "epochs": 20,
    "batch_size": 64,
    "seed": 0,
    "early_stopping": None,
    "checkpoints": {"keep": "best_and_last"},
    "precision": "fp32",
    "device": "auto",
    "priority": 0,
    "tags": ["tp3"],
}


def parse(**fields: Any) -> ExperimentSpec:
    """The short form with other fields."""
    return ExperimentSpec.model_validate(SHORT | fields)


def refused(**fields: Any) -> bool:
    """True where that is no spec."""
    try:
        parse(**fields)
    except ValidationError:
        return True
    return False


def test_the_short_form_becomes_the_long_one() -> None:
    assert parse().model_dump(mode="json") == LONG | {
        "name": "mnist-mlp-relu",
        "dataset": LONG["dataset"] | {"name": "mnist"},
        "activation": "relu",
        "optimizer": LONG["optimizer"] | {"learning_rate": Sgd().learning_rate},
        "epochs": 5,
        "tags": [],
    }


def test_the_long_form_is_answered_as_it_was_sent() -> None:
    assert ExperimentSpec.model_validate(LONG).model_dump(mode="json") == LONG
    assert json.loads(ExperimentSpec.model_validate_json(json.dumps(LONG)).model_dump_json()) == LONG


@pytest.mark.parametrize("field", ["dataset", "architecture", "optimizer", "schedule", "loss"])
def test_a_string_stands_for_the_object_of_that_name(field: str) -> None:
    names = {
        "dataset": datasets.names(),
        "architecture": architectures.names(),
        "optimizer": [each.model_fields["name"].default for each in OPTIMIZERS],
        "schedule": [each.model_fields["name"].default for each in SCHEDULES],
        "loss": ["cross_entropy"],
    }[field]
    for name in names:
        assert parse(**{field: name}) == parse(**{field: {"name": name}})


def test_augmentations_are_stored_as_a_list_or_as_null() -> None:
    shift, rotate = {"name": "shift", "pixels": 2}, {"name": "rotate", "degrees": 10.0}
    for sent, stored in (
        (None, None),
        ([], None),
        ("shift", [shift]),
        (shift, [shift]),
        (["shift"], [shift]),
        (["rotate", shift], [rotate, shift]),
        (["shift", "rotate"], [shift, rotate]),
    ):
        spec = parse(dataset={"name": "mnist", "augmentation": sent})
        assert spec.model_dump(mode="json")["dataset"]["augmentation"] == stored
        assert ExperimentSpec.model_validate_json(spec.model_dump_json()) == spec


def test_no_augmentation_has_the_hash_that_it_had_before_there_was_any() -> None:
    """Runs that are stored go on, are reproduced and are grouped by it."""
    assert parse(epochs=10).spec_hash == "sha256:6addba268cc299f0802e86750f56e7f309f5aa1466a904cb91c1c0745ce2132e"


def test_a_name_is_made_of_what_is_trained() -> None:
    assert parse().name == parse(name=None).name == "mnist-mlp-relu"
    assert (
        ExperimentSpec.model_validate({"dataset": {"name": "usps"}, "architecture": {"name": "cnn"}}).name
        == "usps-cnn-relu"
    )
    assert parse(name="Mine – é").name == "Mine – é"


def test_a_perceptron_has_no_activation_unless_it_is_given_one() -> None:
    plain = {"dataset": "usps", "architecture": "perceptron"}
    assert ExperimentSpec.model_validate(plain).activation == "identity"
    assert ExperimentSpec.model_validate(plain | {"architecture": {"name": "perceptron"}}).activation == "identity"
    assert ExperimentSpec.model_validate(plain | {"activation": "relu"}).activation == "relu"
    assert ExperimentSpec.model_validate(plain | {"architecture": "lenet5"}).activation == "relu"


VARIED = [
    SHORT,
    LONG,
    *({"dataset": name, "architecture": "perceptron"} for name in datasets.names()),
    *({"dataset": "digits", "architecture": name} for name in architectures.names()),
    *(SHORT | {"activation": name} for name in activations.names()),
    *(SHORT | {"optimizer": each.model_fields["name"].default} for each in OPTIMIZERS),
    *(SHORT | {"schedule": each.model_fields["name"].default} for each in SCHEDULES),
    *(
        SHORT | {"dataset": {"name": "digits", "augmentation": each.model_fields["name"].default}}
        for each in AUGMENTATIONS
    ),
    SHORT | {"early_stopping": {}, "checkpoints": {"keep": "all"}, "device": "cuda", "seed": 2**63 - 1},
    SHORT | {"early_stopping": {"monitor": "val_accuracy", "patience": 3}, "tags": ["é", "b"], "priority": -100},
    SHORT | {"optimizer": {"name": "adam", "betas": [0.5, 0.9], "learning_rate": 1e-300}},
]


@pytest.mark.parametrize("document", VARIED, ids=range(len(VARIED)))
def test_a_normalised_spec_parses_to_itself(document: dict[str, Any]) -> None:
    """By way of Python and of JSON; so that what is stored can be sent again and means the same."""
    spec = ExperimentSpec.model_validate(document)
    assert ExperimentSpec.model_validate(spec.model_dump(mode="json")) == spec
    again = ExperimentSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.spec_hash == spec.spec_hash


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same JSON with its keys in another order."""
    if isinstance(value, dict):
        keys = chance.sample(sorted(value), len(value))
        return {key: shuffled(value[key], chance) for key in keys}
    return value


def test_the_order_of_keys_does_not_matter_to_the_hash() -> None:
    expected = ExperimentSpec.model_validate(LONG).spec_hash
    assert expected.startswith("sha256:")
    assert len(expected) == len("sha256:") + 64
    for seed in range(20):
        assert ExperimentSpec.model_validate(shuffled(LONG, random.Random(seed))).spec_hash == expected


def test_names_tags_and_priority_do_not_matter_to_the_hash() -> None:
    assert {
        parse().spec_hash,
        parse(name="another").spec_hash,
        parse(tags=["a"]).spec_hash,
        parse(priority=7).spec_hash,
        parse(optimizer={"name": "sgd", "momentum": 0.9}).spec_hash,
    } == {parse().spec_hash}


def test_everything_else_matters_to_the_hash() -> None:
    changed: list[dict[str, Any]] = [
        {},
        {"dataset": "usps"},
        {"dataset": {"name": "mnist", "validation_fraction": 0.2}},
        {"dataset": {"name": "mnist", "train_size": 100}},
        {"dataset": {"name": "mnist", "image_size": 14}},
        {"dataset": {"name": "mnist", "augmentation": "shift"}},
        {"dataset": {"name": "mnist", "augmentation": {"name": "shift", "pixels": 1}}},
        {"dataset": {"name": "mnist", "augmentation": ["shift", "rotate"]}},
        {"dataset": {"name": "mnist", "augmentation": ["rotate", "shift"]}},
        {"architecture": {"name": "mlp", "hidden": [256, 127]}},
        {"architecture": {"name": "mlp", "dropout": 0.1}},
        {"activation": "tanh"},
        {"optimizer": "adam"},
        {"optimizer": {"name": "sgd", "nesterov": True}},
        {"schedule": "cosine"},
        {"loss": {"name": "cross_entropy", "label_smoothing": 0.1}},
        {"epochs": 6},
        {"batch_size": 65},
        {"seed": 1},
        {"early_stopping": {}},
        {"checkpoints": {"keep": "last"}},
        {"device": "cpu"},
    ]
    assert len({parse(**each).spec_hash for each in changed}) == len(changed)


def test_a_whole_number_is_the_same_number_as_a_fraction() -> None:
    assert parse(optimizer={"name": "sgd", "learning_rate": 1}) == parse(
        optimizer={"name": "sgd", "learning_rate": 1.0}
    )


def mlp(*hidden: Any, **more: Any) -> dict[str, Any]:
    return {"architecture": {"name": "mlp", "hidden": list(hidden)} | more}


def optimizer(**fields: Any) -> dict[str, Any]:
    return {"optimizer": {"name": "sgd"} | fields}


def dataset(**fields: Any) -> dict[str, Any]:
    return {"dataset": {"name": "mnist"} | fields}


# The last that is allowed and the first that is not, on either side.
LIMITS: list[tuple[dict[str, Any], bool]] = [
    ({"epochs": 0}, False), ({"epochs": 1}, True), ({"epochs": 10_000}, True), ({"epochs": 10_001}, False),
    ({"batch_size": 0}, False), ({"batch_size": 1}, True),
    ({"batch_size": 65_536}, True), ({"batch_size": 65_537}, False),
    ({"seed": -1}, False), ({"seed": 2**63 - 1}, True), ({"seed": 2**63}, False),
    ({"priority": -101}, False), ({"priority": -100}, True), ({"priority": 100}, True), ({"priority": 101}, False),
    ({"name": ""}, False), ({"name": "x" * 200}, True), ({"name": "x" * 201}, False),
    ({"name": "a\nb"}, False), ({"name": "a\x00"}, False), ({"name": "\x1b[31m"}, False), ({"name": "\u202e"}, False),
    ({"name": "\ud800"}, False), ({"name": "Élève 学习 🙂"}, True), ({"name": 3}, False),
    ({"tags": ["t"] * 32}, True), ({"tags": ["t"] * 33}, False),
    ({"tags": ["x" * 64]}, True), ({"tags": ["x" * 65]}, False), ({"tags": [""]}, False),
    ({"tags": ["\x00"]}, False), ({"tags": ["\ud800"]}, False), ({"tags": "t"}, False), ({"tags": [None]}, False),
    (mlp(), True), (mlp(*[1] * 63), True), (mlp(*[1] * 64), False),
    (mlp(65_536), True), (mlp(65_537), False), (mlp(0), False), (mlp(1.0), False), (mlp(True), False),
    (mlp(dropout=0), True), (mlp(dropout=0.99), True), (mlp(dropout=1), False), (mlp(dropout=-0.1), False),
    (mlp(batch_norm=1), False), (mlp(batch_norm="true"), False),
    ({"architecture": {"name": "cnn", "channels": [1] * 32, "hidden": [1] * 31}}, True),
    ({"architecture": {"name": "cnn", "channels": [1] * 32, "hidden": [1] * 32}}, False),
    ({"architecture": {"name": "cnn", "channels": []}}, False),
    ({"architecture": {"name": "cnn", "kernel_size": 11}}, True),
    ({"architecture": {"name": "cnn", "kernel_size": 4}}, False),
    ({"architecture": {"name": "cnn", "kernel_size": 13}}, False),
    ({"architecture": {"name": "lenet5", "hidden": [3]}}, False),
    (dataset(validation_fraction=0.01), True), (dataset(validation_fraction=0.0099), False),
    (dataset(validation_fraction=0.5), True), (dataset(validation_fraction=0.51), False),
    (dataset(train_size=0), False), (dataset(train_size=1), True),
    (dataset(train_size=54_000), True), (dataset(train_size=54_001), False),
    (dataset(image_size=7), False), (dataset(image_size=8), True),
    (dataset(augmentation={"name": "shift", "pixels": 14}), True),
    (dataset(augmentation={"name": "shift", "pixels": 15}), False),
    (dataset(augmentation={"name": "shift", "pixels": 8}, image_size=16), True),
    (dataset(augmentation={"name": "affine", "pixels": 8.1}, image_size=16), False),
    (dataset(augmentation={"name": "shift", "pixels": -1}), False),
    (dataset(augmentation={"name": "shift", "pixels": 1.5}), False),
    (dataset(augmentation={"name": "affine", "pixels": 1.5}), True),
    (dataset(augmentation={"name": "rotate", "degrees": 180}), True),
    (dataset(augmentation={"name": "rotate", "degrees": 181}), False),
    (dataset(augmentation={"name": "affine", "scale": 0.9}), True),
    (dataset(augmentation={"name": "affine", "scale": 1}), False),
    (dataset(augmentation={"name": "affine", "shear": 2}), True),
    (dataset(augmentation={"name": "affine", "shear": 2.1}), False),
    (dataset(augmentation={"name": "elastic", "sigma": 1}), True),
    (dataset(augmentation={"name": "elastic", "sigma": 0.9}), False),
    (dataset(augmentation={"name": "elastic", "alpha": 0}), True),
    (dataset(augmentation={"name": "elastic", "alpha": 1001}), False),
    (dataset(augmentation=["shift"] * 4), True), (dataset(augmentation=["shift"] * 5), False),
    (dataset(image_size=64), True), (dataset(image_size=65), False),
    (optimizer(learning_rate=0), False), (optimizer(learning_rate=5e-324), True),
    (optimizer(learning_rate=1000), True), (optimizer(learning_rate=1000.1), False),
    (optimizer(learning_rate=float("nan")), False), (optimizer(learning_rate=float("inf")), False),
    (optimizer(learning_rate="0.1"), False), (optimizer(learning_rate=10**400), False),
    (optimizer(momentum=1), False), (optimizer(momentum=0), True), (optimizer(momentum=0, nesterov=True), False),
    (optimizer(weight_decay=-1), False), (optimizer(weight_decay=10), True), (optimizer(weight_decay=10.1), False),
    ({"optimizer": {"name": "adam", "betas": [0, 0.999]}}, True),
    ({"optimizer": {"name": "adam", "betas": [0.9, 1]}}, False),
    ({"optimizer": {"name": "adam", "betas": [0.9]}}, False),
    ({"optimizer": {"name": "adam", "momentum": 0.9}}, False),
    ({"schedule": {"name": "step", "step_size": 0}}, False), ({"schedule": {"name": "step", "gamma": 0}}, False),
    ({"schedule": {"name": "step", "gamma": 1}}, True), ({"schedule": {"name": "step", "gamma": 1.1}}, False),
    ({"schedule": {"name": "one_cycle", "max_learning_rate": 0}}, False),
    ({"schedule": {"name": "constant", "gamma": 1}}, False),
    ({"loss": {"name": "cross_entropy", "label_smoothing": 1}}, False),
    ({"early_stopping": {"patience": 0}}, False), ({"early_stopping": {"patience": 10_000}}, True),
    ({"early_stopping": {"monitor": "train_loss"}}, False),
    ({"checkpoints": {"keep": "none"}}, False), ({"precision": "fp16"}, False), ({"device": "tpu"}, False),
    ({"activation": None}, False), ({"activation": "ReLU"}, False), ({"dataset": "imagenet"}, False),
    ({"epochs": 1.0}, False), ({"epochs": "5"}, False), ({"epochs": True}, False), ({"epochs": None}, False),
    ({"unknown": 1}, False),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "allowed"), LIMITS, ids=range(len(LIMITS)))
def test_the_limits_are_where_they_are_said_to_be(fields: dict[str, Any], allowed: bool) -> None:
    assert refused(**fields) is not allowed


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parse().epochs = 3  # type: ignore[misc]  # that is what is shown


def test_parsing_leaves_what_was_sent_as_it_is() -> None:
    sent = {"dataset": "mnist", "architecture": "mlp"}
    ExperimentSpec.model_validate(sent)
    assert sent == {"dataset": "mnist", "architecture": "mlp"}


def test_the_side_is_the_data_sets_own_unless_it_is_resized() -> None:
    assert parse().dataset.side == 28
    assert parse(dataset={"name": "mnist", "image_size": 16}).dataset.side == 16
