"""Presets: each is a whole spec, and what stands beside one in a document comes on top of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from service import architectures
from service.domain import presets
from service.domain.field_errors import field_errors
from service.domain.spec import ExperimentSpec

NAMES = presets.names()


def spec_of(preset: str, **above: Any) -> dict[str, Any]:
    """The long form of a preset with other fields on top of it."""
    return ExperimentSpec.model_validate({"preset": preset, **above}).model_dump(mode="json")


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_a_spec_of_its_name_and_the_same_written_out(name: str) -> None:
    spec = ExperimentSpec.model_validate({"preset": name})
    written = spec.model_dump(mode="json")
    assert (written["name"], "preset" in written) == (name, False)
    again = ExperimentSpec.model_validate(written)
    assert (again, again.spec_hash) == (spec, spec.spec_hash)
    short = ExperimentSpec.model_validate(presets.PRESETS[name].spec)
    assert short.spec_hash == spec.spec_hash


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_described_in_a_sentence(name: str) -> None:
    description = presets.PRESETS[name].description
    assert description[0].isupper() or description[0].isdigit()
    assert description.endswith(".")
    assert "\n" not in description


def test_an_object_is_merged_field_by_field() -> None:
    plain = spec_of("mnist-best")
    changed = spec_of(
        "mnist-best",
        architecture={"channels": [8]},
        optimizer={"name": "adam", "learning_rate": 0.5},
        dataset={"train_size": 100},
        schedule={"warmup_fraction": 0.5},
        early_stopping={"patience": 2},
    )
    assert changed == plain | {
        "architecture": plain["architecture"] | {"channels": [8]},
        "optimizer": plain["optimizer"] | {"learning_rate": 0.5},
        "dataset": plain["dataset"] | {"train_size": 100},
        "schedule": plain["schedule"] | {"warmup_fraction": 0.5},
        "early_stopping": {"monitor": "val_loss", "patience": 2},
    }


def test_another_name_or_a_string_stands_for_itself() -> None:
    plain = spec_of("mnist-best")
    another: list[Any] = [{"name": "sgd"}, "sgd"]
    for optimizer in another:
        assert spec_of("mnist-best", optimizer=optimizer)["optimizer"]["learning_rate"] == 0.03
    assert spec_of("mnist-best", dataset="mnist")["dataset"]["validation_fraction"] == 0.1
    mlp = spec_of("mnist-best", architecture={"name": "mlp", "batch_norm": False})
    assert mlp == plain | {
        "architecture": {"name": "mlp", "hidden": [256, 128], "dropout": 0.0, "batch_norm": False},
    }


def test_a_name_that_the_preset_gives_as_a_string_has_options_too() -> None:
    assert spec_of("lab-relu", dataset={"train_size": 100})["dataset"]["name"] == "usps"


def test_numbers_lists_and_null_replace() -> None:
    changed = spec_of("pytorch-example", epochs=3, tags=["a"], activation="tanh", early_stopping=None)
    assert (changed["epochs"], changed["tags"], changed["activation"]) == (3, ["a"], "tanh")
    assert spec_of("lab-relu", architecture={"hidden": []})["architecture"]["hidden"] == []


def test_the_name_is_the_preset_s_unless_there_is_another() -> None:
    assert spec_of("lab-tanh", name="mine")["name"] == "mine"
    assert spec_of("lab-tanh", name=None)["name"] == "lab-tanh"


def test_no_preset_is_as_if_there_were_no_such_field() -> None:
    short = {"dataset": "digits", "architecture": "mlp"}
    assert ExperimentSpec.model_validate({**short, "preset": None}) == ExperimentSpec.model_validate(short)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"preset": "lab-rleu"}, ("#/preset", "unknown name 'lab-rleu'; allowed: lab-relu, lab-", "unknown_name")),
        ({"preset": "lab-rleu", "epochs": 0}, ("#/preset", "unknown name 'lab-rleu'", "unknown_name")),
        ({"preset": ["lab-relu"]}, ("#/preset", "must be one of: pytorch-example, ", "wrong_type")),
        ({"preset": 1}, ("#/preset", "must be one of: pytorch-example, ", "wrong_type")),
        ({"preset": "lab-relu", "epochs": 0}, ("#/epochs", "must be between 1 and 10000", "out_of_range")),
        ({"preset": "lab-relu", "architecture": {"hiden": [1]}},
         ("#/architecture/hiden", "unknown field 'hiden'; allowed: hidden", "unknown_field")),
        ({"preset": "lab-relu", "optimizer": None}, ("#/optimizer", "must be an object, not null", "wrong_type")),
        ({"prest": "lab-relu", "dataset": "usps", "architecture": "mlp"},
         ("#/prest", "unknown field 'prest'; allowed: preset, ", "unknown_field")),
    ],
)  # fmt: skip
def test_a_wrong_one_is_told_in_its_place(document: dict[str, Any], expected: tuple[str, str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        ExperimentSpec.model_validate(document)
    (error,) = field_errors(caught.value.errors(), ExperimentSpec.model_json_schema(), document)
    pointer, detail, code = expected
    assert (error.pointer, error.code) == (pointer, code)
    assert error.detail.startswith(detail)


def test_the_schema_lets_a_preset_stand_for_the_rest_where_a_spec_is_sent_and_knows_none_where_it_is_answered() -> None:
    sent = ExperimentSpec.model_json_schema()
    assert sent["properties"]["preset"]["anyOf"] == [{"enum": [*NAMES]}, {"type": "null"}]
    assert sent["anyOf"] == [{"required": ["dataset", "architecture"]}, {"required": ["preset"]}]
    assert "required" not in sent
    answered = ExperimentSpec.model_json_schema(mode="serialization")
    assert "preset" not in answered["properties"]
    assert {"dataset", "architecture", "name"} <= set(answered["required"])


def test_the_example_of_pytorch_is_what_its_script_does() -> None:
    assert spec_of("pytorch-example") == spec_of(
        "lab-perceptron",
        name="pytorch-example",
        dataset={"name": "mnist", "validation_fraction": 0.01},
        architecture="mnist_example",
        activation="relu",
        optimizer={"name": "adadelta", "learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6, "weight_decay": 0.0},
        schedule={"name": "exponential", "gamma": 0.7},
        batch_size=64,
        epochs=14,
        seed=1,
    )


def test_the_lab_s_networks_can_be_compared() -> None:
    def layers(preset: str) -> list[int]:
        spec = ExperimentSpec.model_validate({"preset": preset})
        ledger = architectures.ledger(
            spec.architecture, activation=spec.activation, image_size=spec.dataset.side, classes=10
        )
        return [layer.parameters for layer in ledger.layers if layer.parameters]

    dense = layers("lab-relu")
    assert layers("lab-linear") == layers("lab-sigmoid") == layers("lab-tanh") == dense
    assert len(layers("lab-cnn")) == len(dense) == 3
    assert sum(layers("lab-cnn")) < 0.1 * sum(dense)
    assert 35 < sum(dense) / sum(layers("lab-perceptron")) < 45
