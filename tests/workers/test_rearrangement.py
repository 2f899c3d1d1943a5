"""A network's layers in another order and other forms: the same function."""

import copy

import pytest
import torch
from torch import nn

from service import activations, architectures
from workers.dropout import Dropout
from workers.rearrangement import MONOTONE, Flatten, rearrange
from workers.winograd import TiledConvolution


def make(name: str, activation: str, *, image_size: int = 16, **options: object) -> nn.Sequential:
    """A network in training mode, with its channels last as its learner keeps it."""
    parsed = architectures.options_class(name).model_validate(options)
    torch.manual_seed(0)
    network = architectures.build(parsed, activation=activation, image_size=image_size, classes=10)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]  # torch's stubs lack this form


def images(size: int = 16) -> torch.Tensor:
    """`(batch, 1, size, size)`."""
    return torch.randn(24, 1, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("activation", activations.names())
@pytest.mark.parametrize("name", ["cnn", "lenet5", "mnist_example", "mlp"])
def test_the_same_answer_comes_out(name: str, activation: str) -> None:
    network = make(name, activation)
    expected = copy.deepcopy(network).eval()(images())
    quick = rearrange(network, tiled=True).eval()
    assert (quick(images()) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("activation", activations.names())
def test_only_activations_that_never_fall_are_taken_after_pooling(activation: str) -> None:
    kinds = [type(layer) for layer in rearrange(make("cnn", activation), tiled=False)]
    function = activations.module_class(activation)
    assert (kinds.index(nn.MaxPool2d) < kinds.index(function)) is (function in MONOTONE)


def test_what_stands_before_flattening_is_done_after_it() -> None:
    kinds = [type(layer) for layer in rearrange(make("mnist_example", "relu"), tiled=True)]
    assert kinds[:6] == [nn.Conv2d, nn.ReLU, TiledConvolution, Flatten, nn.ReLU, Dropout]
    kinds = [type(layer) for layer in rearrange(make("mnist_example", "relu"), tiled=False)]
    assert kinds[2:5] == [nn.Conv2d, nn.MaxPool2d, Flatten]


def test_the_network_keeps_its_own_order_and_parameters() -> None:
    network = make("mnist_example", "relu")
    names = [type(layer).__name__ for layer in network]
    quick = rearrange(network, tiled=True)
    assert [type(layer).__name__ for layer in network] == names
    assert {id(each) for each in quick.parameters()} == {id(each) for each in network.parameters()}


def test_dropout_silences_in_training_alone() -> None:
    quick = rearrange(make("cnn", "tanh", dropout=0.5), tiled=True)
    torch.manual_seed(0)
    first, second = (quick.train()(images()) for _ in range(2))
    assert not torch.equal(first, second)
    first, second = (quick.eval()(images()) for _ in range(2))
    assert torch.equal(first, second)


def test_the_gradient_comes_back_through_flattening_with_its_channels_last() -> None:
    values = torch.randn(4, 3, 2, 5).contiguous(memory_format=torch.channels_last).requires_grad_()
    weights = torch.randn(4, 30)
    (gradient,) = torch.autograd.grad((Flatten()(values) * weights).sum(), values)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(gradient, weights.view(4, 3, 2, 5))
