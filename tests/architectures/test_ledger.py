"""Parameters and work of the networks, against sums done by hand and against the real networks."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from service import activations, architectures
from service.architectures._describe import describe
from service.domain.ledger import DenseEquivalent, LayerFacts


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
        affine=True,
        dense_equivalent=DenseEquivalent(
            inputs=784,
            outputs=4704,
            parameters=785 * 4704,
            formula="(784+1)*4704 = 3692640",
            connections=6 * (28 * 5 - 6) ** 2,
            sharing_factor=785 * 4704 / 156,
        ),
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
@pytest.mark.parametrize("size", [8, 9, 16, 28])
def test_the_ledger_agrees_with_the_real_network(name: str, activation: str, size: int) -> None:
    options = architectures.options_class(name).model_validate({})
    ledger = architectures.ledger(options, activation=activation, image_size=size, classes=10)
    network = architectures.build(options, activation=activation, image_size=size, classes=10).eval()
    values = torch.rand((1, 1, size, size))
    for layer, (key, module) in zip(ledger.layers, network.named_children(), strict=True):
        values = module(values)
        assert (layer.name, layer.type) == (key, type(module).__name__)
        assert layer.output_shape == tuple(values.shape[1:])
        assert layer.parameters == sum(parameter.numel() for parameter in module.parameters())
        if layer.formula:
            assert layer.formula.endswith(f" = {layer.parameters}")
            assert eval(layer.formula.partition(" = ")[0]) == layer.parameters  # noqa: S307 - our own sum
    assert ledger.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert ledger.parameters == sum(layer.parameters for layer in ledger.layers)
    assert ledger.multiply_accumulates == sum(layer.multiply_accumulates for layer in ledger.layers)


@pytest.mark.parametrize("name", architectures.names())
def test_at_every_size_of_an_image_the_parameters_are_those_of_the_real_network(name: str) -> None:
    options = architectures.options_class(name).model_validate({})
    for size in range(8, 65):
        ledger = architectures.ledger(options, activation="tanh", image_size=size, classes=10)
        with torch.device("meta"):
            network = architectures.build(options, activation="tanh", image_size=size, classes=10)
        assert ledger.parameters == sum(parameter.numel() for parameter in network.parameters())
        assert all(eval(each.formula.replace(" = ", " == ")) for each in ledger.layers if each.formula)  # noqa: S307


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


CONVOLUTIONS = {
    "plain": nn.Conv2d(1, 2, 3),
    "padded": nn.Conv2d(1, 3, 5, padding=2),
    "without bias": nn.Conv2d(1, 2, 3, padding=1, bias=False),
    "strided": nn.Conv2d(1, 2, 3, stride=2, padding=1),
    "oblong": nn.Conv2d(1, 2, (2, 3), stride=(1, 2), padding=(0, 1)),
    "dilated": nn.Conv2d(1, 2, 3, dilation=2, padding=1),
    "same": nn.Conv2d(1, 2, 5, dilation=2, padding="same"),
    "valid": nn.Conv2d(1, 2, 4, padding="valid"),
    "around the corner": nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"),
}


@pytest.mark.parametrize("kind", CONVOLUTIONS)
@pytest.mark.parametrize("grouped", [False, True])
def test_the_dense_layer_that_a_convolution_replaces_gives_the_same_outputs(kind: str, grouped: bool) -> None:
    """Its matrix is built by giving the convolution one pixel at a time."""
    side, convolution = 7, CONVOLUTIONS[kind]
    network = nn.Sequential(convolution)
    if grouped:
        network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Conv2d(4, 2, 3, groups=2, stride=2))
        convolution = network[1]  # type: ignore[assignment]  # a Conv2d, as made above
    equivalent = describe(network, image_size=side)[-1].dense_equivalent
    assert equivalent is not None
    channels = convolution.in_channels
    with torch.no_grad():
        convolution.weight.uniform_(1, 2)  # none of them is zero
        zero = torch.zeros((1, channels, side, side))
        shift = convolution(zero).flatten()
        pixels = torch.eye(zero.numel()).reshape(-1, channels, side, side)
        dense = nn.Linear(zero.numel(), shift.numel(), bias=convolution.bias is not None)
        dense.weight.copy_((convolution(pixels).flatten(1) - shift).T)
        if convolution.bias is not None:
            dense.bias.copy_(shift)
        image = torch.rand(zero.shape)
        torch.testing.assert_close(dense(image.flatten()), convolution(image).flatten())
    parameters = sum(parameter.numel() for parameter in dense.parameters())
    assert (equivalent.inputs, equivalent.outputs, equivalent.parameters) == (*dense.weight.T.shape, parameters)
    assert equivalent.connections == int((dense.weight.abs() > 0.5).sum())
    assert eval(equivalent.formula.partition(" = ")[0]) == parameters  # noqa: S307 - our own sum
    own = sum(parameter.numel() for parameter in convolution.parameters())
    assert equivalent.sharing_factor == parameters / own


def test_only_convolutions_replace_a_dense_layer() -> None:
    shared = {name for name, layer in facts("lenet5").items() if layer.dense_equivalent is not None}
    assert shared == {"convolution1", "convolution2"}


@pytest.mark.parametrize(
    ("name", "options", "activation", "affine"),
    [
        ("perceptron", {}, "relu", True),
        ("mlp", {"dropout": 0.5, "batch_norm": True}, "identity", True),
        ("mlp", {}, "tanh", False),
        ("cnn", {"pool": "average", "batch_norm": True}, "identity", True),
        ("cnn", {"pool": "stride"}, "identity", True),
        ("cnn", {"pool": "max"}, "identity", False),
        ("lenet5", {}, "identity", True),
        ("mnist_example", {}, "identity", False),
    ],
)
def test_a_network_is_affine_where_all_its_layers_are(
    name: str, options: dict[str, Any], activation: str, affine: bool
) -> None:
    chosen = architectures.options_class(name).model_validate(options)
    assert architectures.ledger(chosen, activation=activation, image_size=16, classes=10).affine is affine
    network = architectures.build(chosen, activation=activation, image_size=16, classes=10).eval()
    one, other = torch.rand((2, 1, 1, 16, 16), generator=torch.Generator().manual_seed(0)) * 4 - 2
    with torch.no_grad():
        middle, mean = network((one + other) / 2), (network(one) + network(other)) / 2
    assert torch.allclose(middle, mean, atol=1e-5) is affine


def test_no_ledger_needs_torch_s_compiler() -> None:
    """It takes a second to import and 90 MB of every process that describes a network."""
    program = (
        "import sys; from service import activations, architectures\n"
        "for name in architectures.names():\n"
        "    options = architectures.options_class(name).model_validate({})\n"
        "    for activation in activations.names():\n"
        "        architectures.ledger(options, activation=activation, image_size=28, classes=10)\n"
        "print({'torch._dynamo', 'sympy'} & {*sys.modules})"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_a_layer_that_is_not_known_is_described_as_well() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(1, 3, 4, stride=2), nn.Flatten(), nn.LazyLinear(2))
    network(torch.zeros(1, 1, 5, 5))
    assert [layer.output_shape for layer in describe(network.to("meta"), image_size=5)] == [(3, 12, 12), (432,), (2,)]
