"""A network of the other kind of as many layers."""

from typing import Any

import pytest

from service import architectures
from service.counterparts import counterpart
from service.domain.ledger import Ledger
from service.domain.preview import Counterpart
from service.domain.spec import MAX_PARAMETERS


def both(name: str, *, size: int = 28, **options: Any) -> tuple[Ledger, Counterpart | None]:
    chosen = architectures.options_class(name).model_validate(options)
    ledger = architectures.ledger(chosen, activation="relu", image_size=size, classes=10)
    return ledger, counterpart(ledger, activation="relu", image_size=size, classes=10)


def test_the_dense_one_passes_on_as_many_numbers() -> None:
    ledger, found = both("lenet5")
    assert found is not None
    assert found.kind == "dense"
    assert found.architecture.model_dump()["hidden"] == (6 * 14 * 14, 16 * 5 * 5, 120, 84)
    assert found.ledger.parameters == 785 * 1176 + 1177 * 400 + 401 * 120 + 121 * 84 + 85 * 10
    assert found.parameter_ratio == found.ledger.parameters / ledger.parameters
    assert found.multiply_accumulate_ratio == found.ledger.multiply_accumulates / ledger.multiply_accumulates


def test_the_convolutional_one_doubles_its_channels() -> None:
    ledger, found = both("mlp", hidden=[256, 128, 64, 32, 16])
    assert found is not None
    assert found.kind == "convolutional"
    options = found.architecture.model_dump()
    assert (options["channels"], options["hidden"]) == ((16, 32, 64, 128, 128), ())
    assert found.parameter_ratio == ledger.parameters / found.ledger.parameters


@pytest.mark.parametrize("size", [8, 28, 64])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlp", {}),
        ("mlp", {"hidden": [2] * 63, "dropout": 0.5, "batch_norm": True}),
        ("cnn", {}),
        ("cnn", {"channels": [64, 128], "pool": "none", "hidden": [64, 32]}),
        ("cnn", {"channels": [256], "pool": "none", "hidden": []}),
        ("lenet5", {}),
        ("mnist_example", {}),
    ],
)
def test_it_has_as_many_layers_with_weights_and_can_always_be_trained(
    name: str, options: dict[str, Any], size: int
) -> None:
    ledger, found = both(name, size=size, **options)
    assert found is not None
    assert len(found.ledger.weighted) == len(ledger.weighted)
    assert bool(found.ledger.convolutions) != bool(ledger.convolutions)
    assert found.ledger.parameters <= MAX_PARAMETERS


def test_one_that_would_be_too_large_is_narrowed_as_little_as_needed_and_says_so() -> None:
    _, found = both("mnist_example")
    assert found is not None
    assert "narrowed to 0.459" in found.rule
    assert 0.999 * MAX_PARAMETERS < found.ledger.parameters <= MAX_PARAMETERS


def test_without_a_hidden_layer_there_is_none() -> None:
    assert both("perceptron")[1] is None
    assert both("mlp", hidden=[])[1] is None
