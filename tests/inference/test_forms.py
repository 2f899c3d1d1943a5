"""The quicker forms of a network say what the network itself says."""

import copy
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from service import activations, architectures
from service.inference import forms
from service.inference.models import Model
from service.inference.predict import logits_of
from tests.inference.test_stacks import manifest_of

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "mlp": [{"hidden": [32, 16]}, {"hidden": [32], "dropout": 0.5, "batch_norm": True}],
    "cnn": [
        {"channels": [4, 8]},
        {"channels": [4, 8], "pool": "average", "kernel_size": 5, "batch_norm": True, "dropout": 0.25},
        {"channels": [4], "pool": "stride", "hidden": []},
        {"channels": [4], "pool": "none"},
    ],
}
SIDE = 16
CASES = [
    (name, options, activation)
    for name in architectures.names()
    for options in OPTIONS.get(name, [{}])
    for activation in activations.names()
]


def network_of(name: str, options: dict[str, Any], activation: str) -> nn.Sequential:
    """One whose batch norms have seen something, with weights larger than at the start."""
    torch.manual_seed(0)
    chosen = architectures.options_class(name).model_validate(options)
    network = architectures.build(chosen, activation=activation, image_size=SIDE, classes=10)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5)
        network(torch.randn(64, 1, SIDE, SIDE))
    return network.eval()


def images() -> np.ndarray:
    """Noise, dark, bright and empty images, (40, 16, 16)."""
    random = np.random.default_rng(1)
    found = random.uniform(0, 255, (40, SIDE, SIDE)) * random.uniform(0, 1, (40, 1, 1))
    found[0] = 0
    return found.astype(np.float32)


@pytest.mark.parametrize(("name", "options", "activation"), CASES)
def test_every_form_gives_the_logits_of_the_checkpoint(name: str, options: dict[str, Any], activation: str) -> None:
    network, manifest = network_of(name, options, activation), manifest_of("synthetic")
    model = Model(network=copy.deepcopy(network), manifest=manifest, bytes=0)
    expected = logits_of(model, images()).numpy()
    form = forms.in_onnx_runtime(network, manifest)
    assert form is not None
    for run in (form.run, forms.quickest(network, manifest).run):
        assert np.abs(run(images()) - expected).max() < forms.TOLERANCE
        one_by_one = np.concatenate([run(images()[[number]]) for number in range(40)])
        assert np.abs(one_by_one - expected).max() < forms.TOLERANCE


def test_images_that_are_given_stay_as_they_are() -> None:
    given = images()
    forms.in_torch(network_of("perceptron", {}, "identity"), manifest_of("synthetic")).run(given)
    assert np.array_equal(given, images())


class Strange(nn.Module):
    """A layer that ONNX Runtime has no word for."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        said: torch.Tensor = torch.special.bessel_j0(values)
        return said


def test_a_layer_that_is_in_no_table_is_computed_by_torch() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(SIDE**2, 10), Strange()).eval()
    assert forms.in_onnx_runtime(network, manifest_of("synthetic")) is None
    assert forms.quickest(network, manifest_of("synthetic")).name == "torch"


def test_without_onnx_runtime_torch_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert forms.quickest(network_of("mlp", {"hidden": [8]}, "relu"), manifest_of("synthetic")).name == "torch"


def test_a_form_that_says_something_else_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    network, manifest = network_of("mlp", {"hidden": [8]}, "relu"), manifest_of("synthetic")
    other = forms.in_torch(network_of("mlp", {"hidden": [8]}, "tanh"), manifest)
    monkeypatch.setattr(forms, "in_onnx_runtime", lambda *_: forms.Form("onnxruntime", other.run))
    assert forms.quickest(network, manifest).name == "torch"
