"""Figures of a network on a split, and how many images it is given together."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional

from service import architectures, datasets
from service.datasets import Split
from service.domain.spec import ExperimentSpec
from workers.evaluation import FEWEST_AT_ONCE, MOST_AT_ONCE, WIDEST_BYTES, evaluate, images_at_once


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks on a shared machine: more threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(architecture: object, *, size: int) -> nn.Sequential:
    spec = ExperimentSpec.model_validate(
        {"dataset": {"name": "synthetic", "image_size": size}, "architecture": architecture}
    )
    torch.manual_seed(0)
    built = architectures.build(spec.architecture, activation="relu", image_size=size, classes=10)
    return built.eval()


def some(count: int, *, size: int) -> Split:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, size, size), generator=generator).to(torch.uint8)
    return Split(images=images, labels=torch.arange(count) % 10)


@pytest.mark.parametrize("count", [1, FEWEST_AT_ONCE, 3 * FEWEST_AT_ONCE + 1])
def test_the_figures_are_means_over_all_images_however_they_are_divided(count: int) -> None:
    wide = network({"name": "cnn", "channels": [64]}, size=32)
    split = some(count, size=32)
    assert images_at_once(wide, split.images[:1]) == FEWEST_AT_ONCE
    found = evaluate(wide, split, mean=0.2, std=0.3, label_smoothing=0.1)
    with torch.inference_mode():
        logits = wide(datasets.standardise(split.images, mean=0.2, std=0.3))
        loss = functional.cross_entropy(logits.double(), split.labels, label_smoothing=0.1)
    assert found.loss == pytest.approx(loss.item(), rel=1e-5)
    assert found.accuracy == (logits.argmax(1) == split.labels).double().mean().item()


@pytest.mark.parametrize(
    ("architecture", "size", "expected"),
    [
        ("perceptron", 16, MOST_AT_ONCE),
        ({"name": "mlp", "hidden": [64]}, 16, MOST_AT_ONCE),
        ({"name": "mlp", "hidden": [4096]}, 16, WIDEST_BYTES // (4096 * 4)),
        ("lenet5", 28, WIDEST_BYTES // (6 * 28 * 28 * 4)),
        ({"name": "cnn", "channels": [16, 32]}, 28, WIDEST_BYTES // (16 * 28 * 28 * 4)),
        ("mnist_example", 28, FEWEST_AT_ONCE),
    ],
)
def test_the_widest_layer_says_how_many(architecture: object, size: int, expected: int) -> None:
    assert images_at_once(network(architecture, size=size), some(1, size=size).images) == expected


def test_asking_leaves_the_network_as_it_was() -> None:
    asked = network({"name": "cnn", "channels": [8], "batch_norm": True}, size=16)
    before = {name: value.clone() for name, value in asked.state_dict().items()}
    state = torch.get_rng_state()
    images_at_once(asked, some(1, size=16).images)
    assert all(torch.equal(before[name], value) for name, value in asked.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_hooks for module in asked.modules())


def test_a_network_is_asked_once() -> None:
    asked = network("lenet5", size=16)
    calls: list[int] = []
    asked.register_forward_hook(lambda _network, _given, output: calls.append(len(output)))
    for _ in range(3):
        evaluate(asked, some(10, size=16), mean=0.2, std=0.3, label_smoothing=0.0)
    assert calls == [1, 10, 10, 10]
