"""The table of activations, against the formulas that it describes."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from service import activations

FORMULAS: dict[str, Callable[[float], float]] = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "relu": lambda x: max(0.0, x),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_computes_its_formula(name: str) -> None:
    function = activations.module_class(name)()
    for x in (-3.0, -0.5, 0.0, 0.25, 2.0):
        assert function(torch.tensor(x, dtype=torch.float64)).item() == pytest.approx(FORMULAS[name](x), abs=1e-12)


@pytest.mark.parametrize("name", activations.names())
def test_every_activation_is_described_and_works_element_by_element(name: str) -> None:
    assert activations.description(name)
    function = activations.module_class(name)
    assert issubclass(function, nn.Module)
    values = torch.linspace(-2, 2, 6).reshape(1, 2, 3)
    expected = torch.stack([function()(value) for value in values.flatten()]).reshape(1, 2, 3)
    torch.testing.assert_close(function()(values), expected)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no activation 'rellu'; there are identity, sigmoid, tanh, relu,"):
        activations.module_class("rellu")
    with pytest.raises(ValueError, match="no activation 'Tanh'"):
        activations.description("Tanh")
