"""Parameters and work of the networks, against sums done by hand and against the real networks."""

from typing import Any

import pytest
import torch

from service import activations, architectures
from service.domain.ledger import LayerFacts


def facts(name: str, **options: Any) -> dict[str, LayerFacts]:
    """The layers of the network for 28x28 images and ten classes, by name."""
    chosen = architectures.options_class(name).model_validate(options)
    ledger = architectures.ledger(chosen, activation="relu", image_size=28, classes=10)
    return {layer.name: layer for layer in ledger.layers}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("perceptron", 7_850), ("mlp", 235_146), ("lenet5", 61_706), ("mnist_example", 1_199_882)],
)
def test_known_networks_have_their_known_number_of_parameters(name: str, parameters: int) -> None:
    options = architectures.options_class(name).model_validate({})
    assert architectures.count_parameters(options, activation="relu", image_size=28, classes=10) == parameters
    assert architectures.ledger(options, activation="relu", image_size=28, classes=10).parameters == parameters


def test_each_layer_shows_how_its_parameters_add_up() -> None:
    lenet5 = facts("lenet5")
    assert lenet5["convolution1"] == LayerFacts(
        name="convolution1",
        type="Conv2d",
        output_shape=(6, 28, 28),
        parameters=156,
        formula="(5*5*1+1)*6 = 156",
        multiply_accumulates=5 * 5 * 6 * 28 * 28,
    )
    assert lenet5["convolution2"].formula == "(5*5*6+1)*16 = 2416"
    assert lenet5["hidden1"].formula == "(400+1)*120 = 48120"
    assert lenet5["hidden1"].multiply_accumulates == 400 * 120
    assert lenet5["pool1"].output_shape == (6, 14, 14)
    assert lenet5["pool1"].formula is None
    assert facts("perceptron")["output"].formula == "(784+1)*10 = 7850"


def test_batch_normalisation_takes_the_place_of_the_bias() -> None:
    cnn = facts("cnn", batch_norm=True)
    assert cnn["convolution1"].formula == "3*3*1*16 = 144"
    assert cnn["batch_norm1"].formula == "2*16 = 32"
    assert cnn["hidden1"].formula == "1568*64 = 100352"
    assert cnn["output"].formula == "(64+1)*10 = 650"


@pytest.mark.parametrize("name", architectures.names())
@pytest.mark.parametrize("activation", activations.names())
def test_the_ledger_agrees_with_the_real_network(name: str, activation: str) -> None:
    options = architectures.options_class(name).model_validate({})
    ledger = architectures.ledger(options, activation=activation, image_size=16, classes=10)
    network = architectures.build(options, activation=activation, image_size=16, classes=10).eval()
    values = torch.rand((1, 1, 16, 16))
    for layer, (key, module) in zip(ledger.layers, network.named_children(), strict=True):
        values = module(values)
        assert (layer.name, layer.type) == (key, type(module).__name__)
        assert layer.output_shape == tuple(values.shape[1:])
        assert layer.parameters == sum(parameter.numel() for parameter in module.parameters())
        if layer.formula:
            assert layer.formula.endswith(f" = {layer.parameters}")
            assert eval(layer.formula.partition(" = ")[0]) == layer.parameters  # noqa: S307 - our own sum
    assert ledger.parameters == sum(layer.parameters for layer in ledger.layers)
    assert ledger.multiply_accumulates == sum(layer.multiply_accumulates for layer in ledger.layers)


def test_a_network_larger_than_any_memory_can_be_counted_and_described() -> None:
    options = architectures.options_class("mlp").model_validate({"hidden": [65_536, 65_536]})
    expected = (784 + 1) * 65_536 + (65_536 + 1) * 65_536 + (65_536 + 1) * 10
    assert architectures.count_parameters(options, activation="relu", image_size=28, classes=10) == expected
    assert architectures.ledger(options, activation="relu", image_size=28, classes=10).parameters == expected


def test_counting_leaves_the_random_generator_alone() -> None:
    before = torch.get_rng_state()
    options = architectures.options_class("cnn").model_validate({})
    architectures.ledger(options, activation="relu", image_size=28, classes=10)
    assert torch.equal(torch.get_rng_state(), before)
