"""The map of an affine network, against the product of its layers and against its logits."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from service import architectures, datasets
from service.domain.manifest import Manifest
from service.inference.affine import affine_map
from service.inference.models import Model

SIDE = 9


def model(name: str, **options: Any) -> Model:
    chosen = architectures.options_class(name).model_validate(options)
    torch.manual_seed(0)
    network = architectures.build(chosen, activation="identity", image_size=SIDE, classes=10)
    network(torch.rand((16, 1, SIDE, SIDE)))  # moves the running statistics away from their start
    facts = datasets.facts("synthetic")
    manifest = Manifest(
        experiment_id="x", spec_hash="y", epoch=1, architecture=chosen, activation="identity", image_size=SIDE,
        labels=facts.labels, mean=0.1, std=0.3, framing=facts.framing, native_size=facts.image_size,
    )  # fmt: skip
    return Model(network=network.eval(), manifest=manifest, bytes=0)


def test_it_is_the_product_of_the_layers() -> None:
    stack = model("mlp", hidden=[7, 5])
    matrix, bias = np.eye(SIDE**2), np.zeros(SIDE**2)
    for layer in stack.network:
        if isinstance(layer, nn.Linear):
            weight = layer.weight.detach().double().numpy()
            matrix, bias = weight @ matrix, weight @ bias + layer.bias.detach().double().numpy()
    found = affine_map(stack)
    np.testing.assert_allclose(found[0], matrix, atol=1e-14)
    np.testing.assert_allclose(found[1], bias, atol=1e-14)
    assert np.linalg.matrix_rank(found[0]) == 5


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("perceptron", {}),
        ("mlp", {"batch_norm": True, "dropout": 0.5}),
        ("cnn", {"pool": "average", "batch_norm": True, "dropout": 0.5}),
        ("cnn", {"pool": "stride"}),
        ("cnn", {"pool": "none", "hidden": []}),
        ("lenet5", {}),
    ],
)
def test_it_gives_the_network_s_logits_and_leaves_the_network_as_it_is(name: str, options: dict[str, Any]) -> None:
    network = model(name, **options)
    before = {key: value.clone() for key, value in network.network.state_dict().items()}
    matrix, bias = affine_map(network)
    images = torch.rand((20, 1, SIDE, SIDE)) * 4 - 1
    with torch.inference_mode():
        logits = network.network(images)
    mapped = images.flatten(1).double().numpy() @ matrix.T + bias
    np.testing.assert_allclose(mapped, logits.numpy(), atol=1e-5)
    assert all(torch.equal(value, before[key]) for key, value in network.network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.network.parameters())
