"""Every architecture with every activation; a new one is tested without a change here."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from service import activations, architectures
from service.domain.architecture import ArchitectureOptions

SIZES = (8, 9, 11, 12, 16, 28, 64)
PAIRS = [(name, activation) for name in architectures.names() for activation in activations.names()]


def variants(name: str) -> list[ArchitectureOptions]:
    """The defaults, and every regularisation that the architecture offers switched on."""
    options = architectures.options_class(name)
    offered = {"dropout": 0.25, "batch_norm": True}
    extra = {field: value for field, value in offered.items() if field in options.model_fields}
    return [options.model_validate(given) for given in ([{}, extra] if extra else [{}])]


def images(size: int, *, batch: int = 3) -> torch.Tensor:
    return torch.rand((batch, 1, size, size), generator=torch.Generator().manual_seed(1))


def build(options: ArchitectureOptions, activation: str, *, size: int, classes: int = 10) -> nn.Sequential:
    torch.manual_seed(0)
    return architectures.build(options, activation=activation, image_size=size, classes=classes)


@pytest.mark.parametrize("name", architectures.names())
@pytest.mark.parametrize("size", SIZES)
def test_logits_come_out_whatever_the_image_size(name: str, size: int) -> None:
    for options in variants(name):
        network = build(options, "relu", size=size, classes=7)
        assert network(images(size)).shape == (3, 7)
        assert network.eval()(images(size, batch=1)).shape == (1, 7)


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_the_gradient_reaches_every_parameter(name: str, activation: str) -> None:
    for options in variants(name):
        network = build(options, activation, size=16)
        loss = nn.functional.cross_entropy(network(images(16, batch=8)), torch.arange(8))
        loss.backward()  # type: ignore[no-untyped-call]  # torch declares no types for it
        silent = [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
        assert silent == []


@pytest.mark.parametrize("name", architectures.names())
def test_a_last_batch_of_one_image_can_be_trained_on(name: str) -> None:
    for options in variants(name):
        loss = nn.functional.cross_entropy(build(options, "tanh", size=8)(images(8, batch=1)), torch.tensor([3]))
        loss.backward()  # type: ignore[no-untyped-call]  # torch declares no types for it
        assert loss.isfinite()


@pytest.mark.parametrize("name", architectures.names())
def test_saved_weights_give_the_same_logits_in_another_network(name: str, tmp_path: Path) -> None:
    for options in variants(name):
        saved = build(options, "silu", size=16)
        saved(images(16, batch=8))  # moves the running statistics away from their start
        save_file(saved.state_dict(), tmp_path / "weights.safetensors")
        torch.manual_seed(1)
        loaded = architectures.build(options, activation="silu", image_size=16, classes=10)
        loaded.load_state_dict(load_file(tmp_path / "weights.safetensors"))
        assert torch.equal(loaded.eval()(images(16)), saved.eval()(images(16)))


@pytest.mark.parametrize("name", architectures.names())
def test_the_seed_decides_the_weights(name: str) -> None:
    options = architectures.options_class(name).model_validate({})
    one, same = build(options, "elu", size=8), build(options, "elu", size=8)
    other = architectures.build(options, activation="elu", image_size=8, classes=10)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_the_counted_parameters_are_those_of_the_real_network(name: str, activation: str) -> None:
    for options in variants(name):
        real = sum(parameter.numel() for parameter in build(options, activation, size=12).parameters())
        assert real == architectures.count_parameters(options, activation=activation, image_size=12, classes=10)


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_the_activation_asked_for_is_the_only_one_in_the_network(name: str, activation: str) -> None:
    offered = {activations.module_class(other) for other in activations.names()}
    network = build(architectures.options_class(name).model_validate({}), activation, size=8)
    found = {type(layer) for layer in network if type(layer) in offered}
    hidden = sum(isinstance(layer, nn.Linear | nn.Conv2d) for layer in network) - 1
    assert found == ({activations.module_class(activation)} if hidden else set())


@pytest.mark.parametrize("name", architectures.names())
def test_options_are_hashable_and_survive_json(name: str) -> None:
    for options in variants(name):
        again = type(options).model_validate_json(options.model_dump_json())
        assert again == options
        assert hash(again) == hash(options)


@pytest.mark.parametrize("name", architectures.names())
def test_the_catalogue_says_what_an_architecture_is_and_each_option_does(name: str) -> None:
    assert architectures.description(name).endswith(".")
    options = architectures.options_class(name)
    assert options.model_validate({}).name == name
    properties = options.model_json_schema()["properties"]
    assert [field for field, schema in properties.items() if field != "name" and not schema.get("description")] == []
