"""The backward pass that is written out, against autograd."""

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional

from service import activations, architectures
from workers.dense import ACTIVATIONS, DenseStack, is_dense

BATCH, SIZE, CLASSES = 24, 8, 10


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As workers that share a machine have it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(activation: str = "relu", *, seed: int = 0, **options: object) -> nn.Sequential:
    """A dense network in training mode."""
    parsed = architectures.options_class("mlp").model_validate({"hidden": [12, 9], **options})
    torch.manual_seed(seed)
    return architectures.build(parsed, activation=activation, image_size=SIZE, classes=CLASSES).train()


def batch(seed: int, count: int = BATCH) -> tuple[torch.Tensor, torch.Tensor]:
    """Images `(batch, 1, size, size)` and labels."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(count, 1, SIZE, SIZE, generator=generator),
        torch.randint(0, CLASSES, (count,), generator=generator),
    )


def written_out(stack: DenseStack, images: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Losses `(stack, batch)`; the gradients are in the stack."""
    losses, predicted = torch.empty(labels.shape), torch.empty(labels.shape, dtype=torch.int64)
    stack.gradients_of(images.flatten(2), labels, label_smoothing=smoothing, losses=losses, predicted=predicted)
    return losses


def test_every_activation_of_the_catalogue_has_its_derivative() -> None:
    assert set(ACTIVATIONS) >= {activations.module_class(name) for name in activations.names()}


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("activation", activations.names())
def test_gradients_and_losses_are_those_of_autograd(activation: str, smoothing: float) -> None:
    network = make(activation)
    reference = copy.deepcopy(network)
    images, labels = batch(1)
    usual = functional.cross_entropy(reference(images), labels, label_smoothing=smoothing, reduction="none")
    torch.autograd.backward(usual.mean())
    expected = torch.cat([each.grad.flatten() for each in reference.parameters() if each.grad is not None])
    stack = DenseStack([network], [torch.Generator()])
    losses = written_out(stack, images.unsqueeze(0), labels.unsqueeze(0), smoothing)
    assert (losses[0] - usual).abs().max() < 1e-5
    assert (stack.gradients[0, : len(expected)] - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize("activation", ["sigmoid", "gelu"])
def test_gradients_are_those_of_finite_differences(activation: str) -> None:
    network = make(activation, hidden=[5])
    images, labels = batch(2)
    stack = DenseStack([network], [torch.Generator()])
    written_out(stack, images.unsqueeze(0), labels.unsqueeze(0), 0.0)
    gradients = stack.gradients[0].double().clone()
    doubled = copy.deepcopy(network).double()
    parameters = [parameter.data.view(-1) for parameter in doubled.parameters()]
    step, seen = 1e-5, 0
    for parameter in parameters:
        for index in range(0, len(parameter), 17):
            values = []
            for sign in (1, -1):
                parameter[index] += sign * step
                values.append(functional.cross_entropy(doubled(images.double()), labels).item())
                parameter[index] -= sign * step
            numeric = (values[0] - values[1]) / (2 * step)
            assert gradients[seen + index].item() == pytest.approx(numeric, abs=1e-5)
        seen += len(parameter)


def test_dropout_silences_forward_and_backward_alike() -> None:
    network = make("relu", dropout=0.5)
    reference = copy.deepcopy(network)
    images, labels = batch(3)
    stack = DenseStack([network], [torch.Generator()])
    losses = written_out(stack, images.unsqueeze(0), labels.unsqueeze(0), 0.0)
    masks = [layer.mask for layer in stack.layers if layer.mask is not None]
    values = images.flatten(1)
    linears = [module for module in reference if isinstance(module, nn.Linear)]
    for linear, mask in zip(linears[:-1], masks, strict=True):
        values = linear(values).relu() * mask[0]
    usual = functional.cross_entropy(linears[-1](values), labels, reduction="none")
    torch.autograd.backward(usual.mean())
    expected = torch.cat([each.grad.flatten() for each in reference.parameters() if each.grad is not None])
    assert {0.0, 2.0} == set(torch.cat([mask.flatten() for mask in masks]).tolist())
    assert (losses[0] - usual).abs().max() < 1e-5
    assert (stack.gradients[0, : len(expected)] - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_a_stacked_network_learns_what_it_learns_alone() -> None:
    networks = [make(seed=seed) for seed in range(5)]
    alone = [copy.deepcopy(network) for network in networks]
    batches = [batch(10 + number) for number in range(5)]
    stack = DenseStack(networks, [torch.Generator() for _ in networks])
    images, labels = (torch.stack(each) for each in zip(*batches, strict=True))
    for _ in range(3):
        written_out(stack, images, labels, 0.0)
        stack.parameters.sub_(stack.gradients, alpha=0.1)
    for network, single, (own_images, own_labels) in zip(networks, alone, batches, strict=True):
        one = DenseStack([single], [torch.Generator()])
        for _ in range(3):
            written_out(one, own_images.unsqueeze(0), own_labels.unsqueeze(0), 0.0)
            one.parameters.sub_(one.gradients, alpha=0.1)
        for name, value in network.state_dict().items():
            assert (value - single.state_dict()[name]).abs().max() < 1e-6, name


@pytest.mark.parametrize(
    ("architecture", "dense"),
    [("perceptron", True), ({"name": "mlp", "dropout": 0.5}, True), ({"name": "mlp", "batch_norm": True}, False),
     ("cnn", False), ("lenet5", False), ("mnist_example", False)],
)  # fmt: skip
def test_only_what_is_dense_throughout_is_taken_for_it(architecture: object, dense: bool) -> None:
    named = {"name": architecture} if isinstance(architecture, str) else architecture
    assert isinstance(named, dict)
    options = architectures.options_class(named["name"]).model_validate(named)
    network = architectures.build(options, activation="relu", image_size=16, classes=10)
    assert is_dense(network) is dense
