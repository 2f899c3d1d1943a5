"""The formula of every architecture, worked out by its letters, against the network that it is of."""

import re
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from service import activations, architectures
from service.architectures._function import function
from tests.architectures.test_registry import PAIRS, variants

SIZE = 12


class Kernel:
    """`K * z` with z `(channels, height, width)`."""

    def __init__(self, layer: nn.Conv2d) -> None:
        self.layer = layer

    def __mul__(self, values: torch.Tensor) -> torch.Tensor:
        layer = self.layer
        return functional.conv2d(values, layer.weight, stride=layer.stride, padding=layer.padding)


def worked_out(text: str, network: nn.Sequential, image: torch.Tensor) -> torch.Tensor:
    """The value of the formula, its letters read as the file's docstring says."""
    letters: dict[str, Any] = {name: activations.module_class(name)() for name in activations.names()}
    letters |= {
        "softmax": lambda z: z.softmax(0),
        "flatten": torch.flatten,
        "maxpool_2": nn.MaxPool2d(2),
        "avgpool_2": nn.AvgPool2d(2),
    }
    dropouts = set(re.findall(r"dropout_[\d.]+", text))
    text = re.sub(r"dropout_[\d.]+", "dropout", text)
    assert dropouts == {f"dropout_{layer.p:g}" for layer in network if isinstance(layer, nn.Dropout)}
    letters["dropout"] = lambda z: z
    weighted = [layer for layer in network if isinstance(layer, nn.Linear | nn.Conv2d)]
    for number, layer in enumerate(weighted, start=1):
        own = number if len(weighted) > 1 else ""
        if isinstance(layer, nn.Conv2d):
            letters[f"K{own}"] = Kernel(layer)
        else:
            letters[f"W{own}"] = layer.weight
        if layer.bias is not None:
            letters[f"b{own}"] = layer.bias[:, None, None] if isinstance(layer, nn.Conv2d) else layer.bias
    norms = [layer for layer in network if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    for number, norm in enumerate(norms, start=1):
        letters[f"batchnorm_{number}"] = lambda z, norm=norm: norm(z[None])[0]
    letters["x"] = image[0] if isinstance(weighted[0], nn.Conv2d) else image.flatten()
    product = re.sub(r"(W\d*) ?(?=[\w(])", r"\1 @ ", re.sub(r" \*_\d+ ", " * ", text))
    found: torch.Tensor = eval(product, letters)  # noqa: S307 - our own formula
    return found


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_the_formula_worked_out_gives_the_network_s_probabilities(name: str, activation: str) -> None:
    for options in variants(name):
        network = architectures.build(options, activation=activation, image_size=SIZE, classes=10)
        network(torch.rand((8, 1, SIZE, SIZE)))  # moves the running statistics away from their start
        network.eval()
        image = torch.rand((1, 1, SIZE, SIZE))
        text = architectures.ledger(options, activation=activation, image_size=SIZE, classes=10).function.text
        with torch.no_grad():
            torch.testing.assert_close(worked_out(text, network, image), network(image).softmax(1)[0])


@pytest.mark.parametrize(
    ("name", "options", "activation", "text"),
    [
        ("perceptron", {}, "relu", "softmax(Wx + b)"),
        ("mlp", {}, "tanh", "softmax(W3 tanh(W2 tanh(W1 x + b1) + b2) + b3)"),
        ("mlp", {"hidden": [5]}, "identity", "softmax(W2 (W1 x + b1) + b2)"),
        (
            *("mlp", {"hidden": [5], "dropout": 0.25, "batch_norm": True}, "sigmoid"),
            "softmax(W2 dropout_0.25(sigmoid(batchnorm_1(W1 x))) + b2)",
        ),
        (
            *("cnn", {"channels": [4], "hidden": []}, "relu"),
            "softmax(W2 flatten(maxpool_2(relu(K1 * x + b1))) + b2)",
        ),
        (
            *("cnn", {"channels": [4, 8], "hidden": [], "pool": "stride"}, "identity"),
            "softmax(W3 flatten(K2 *_2 (K1 *_2 x + b1) + b2) + b3)",
        ),
    ],
)
def test_formulas_read_as_one_would_write_them(name: str, options: dict[str, Any], activation: str, text: str) -> None:
    chosen = architectures.options_class(name).model_validate(options)
    assert architectures.ledger(chosen, activation=activation, image_size=28, classes=10).function.text == text


def test_the_same_is_said_in_latex_and_every_letter_is_explained() -> None:
    options = architectures.options_class("mlp").model_validate({"hidden": [5]})
    found = architectures.ledger(options, activation="sigmoid", image_size=28, classes=10).function
    layer = r"\sigma\left(W_{1} x + b_{1}\right)"
    assert found.latex == rf"\operatorname{{softmax}}\left(W_{{2}} {layer} + b_{{2}}\right)"
    where = {formula.text: formula.latex for formula in found.where}
    assert where["sigmoid(z) = 1 / (1 + exp(-z))"] == r"\sigma(z) = \frac{1}{1 + e^{-z}}"
    assert where["W1: a matrix of 5*784 weights; b1: 5 biases"] == (
        r"W_{1} \in \mathbb{R}^{5 \times 784},\ b_{1} \in \mathbb{R}^{5}"
    )
    assert len(where) == 5


def test_a_stride_is_in_the_formula_of_the_product() -> None:
    options = architectures.options_class("cnn").model_validate({"channels": [4], "hidden": [], "pool": "stride"})
    found = architectures.ledger(options, activation="relu", image_size=28, classes=10).function
    where = {formula.text.partition(":")[0]: formula.latex for formula in found.where}
    assert where["*_2"] == r"(K *_{2} z)_{o,i,j} = \sum_{c,u,v} K_{o,c,u,v}\, z_{c,2i+u,2j+v}"
    assert "*" not in where


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_parentheses_close_in_latex(name: str, activation: str) -> None:
    for options in variants(name):
        found = architectures.ledger(options, activation=activation, image_size=SIZE, classes=10).function
        for latex in (found.latex, *(formula.latex for formula in found.where)):
            assert latex.count("{") == latex.count("}")
            assert latex.count(r"\left(") == latex.count(r"\right)")


def test_a_layer_that_nobody_thought_of_is_written_by_its_class() -> None:
    network = nn.Sequential()
    network.add_module("flatten", nn.Flatten())
    network.add_module("hidden", nn.Linear(64, 8))
    network.add_module("norm_of_mine", nn.LayerNorm(8))
    network.add_module("output", nn.Linear(8, 10))
    found = function(network, image_size=8)
    assert found.text == "softmax(W2 layernorm(W1 x + b1) + b2)"
    assert "layernorm(z): torch.nn.LayerNorm, the layer norm_of_mine" in [formula.text for formula in found.where]
    assert any(r"norm\_of\_mine" in formula.latex for formula in found.where)


@pytest.mark.parametrize("name", activations.names())
def test_the_formula_of_an_activation_is_its_own(name: str) -> None:
    function = activations.module_class(name)()
    notation = activations.notation(function)
    assert notation is not None
    assert notation.text is not None
    letters = {each: getattr(torch, each) for each in ("exp", "erf", "sqrt", "log")}
    letters |= {"max": torch.maximum, "min": torch.minimum}
    text = re.sub(r"sqrt\((\d)\)", r"\1 ** 0.5", notation.text)
    text = re.sub(r"\b0, ", "0 * z, ", re.sub(r"(0\.01|\bz) (?=[z(])", r"\1 * ", text))
    z = torch.linspace(-3, 3, 13, dtype=torch.float64)
    torch.testing.assert_close(eval(text, letters | {"z": z}), function(z))  # noqa: S307 - our own formula
