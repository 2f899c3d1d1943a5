"""Exported networks against the networks themselves: every architecture with every activation, in every format."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load
from torch import nn

from service import architectures, datasets, ids
from service.domain.architecture import ArchitectureOptions
from service.domain.export import ExportCard, ExportFormat, ExportPreprocessing
from service.domain.manifest import Manifest
from service.errors import UnexportableError
from service.inference import exports
from service.inference.exporting import onnx_file, packing, safetensors_file
from service.inference.exporting.onnx_nodes import WRITERS
from service.inference.exports import Exports
from service.inference.models import Model
from tests.architectures.test_registry import PAIRS, build, variants

SIDE = 12
MEAN, STD = 0.125, 0.3
ONNX, SAFETENSORS, PT2 = ExportFormat
DIGITS = [*"0123456789"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Networks as small as these are not worth two, which wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model_of(network: nn.Sequential, options: ArchitectureOptions | None = None, activation: Any = "relu") -> Model:
    """As if it had been loaded from a checkpoint."""
    manifest = Manifest(
        experiment_id=ids.new(),
        spec_hash="sha256:0",
        epoch=3,
        architecture=options or architectures.options_class("perceptron").model_validate({}),
        activation=activation,
        image_size=SIDE,
        labels=tuple(DIGITS),
        mean=MEAN,
        std=STD,
        framing=datasets.facts("mnist").framing,
        native_size=28,
    )
    return Model(network.eval(), manifest, bytes=1)


def card_of(model: Model, kind: ExportFormat, *, accuracy: float | None = 0.875) -> ExportCard:
    """What would be written into its file."""
    manifest = model.manifest
    return ExportCard(
        format=kind,
        ardoise="1.2.3",
        experiment_id=manifest.experiment_id,
        epoch=manifest.epoch,
        weights_sha256="0" * 64,
        dataset="mnist",
        architecture=manifest.architecture,
        activation=manifest.activation,
        labels=manifest.labels,
        preprocessing=ExportPreprocessing(
            image_size=SIDE,
            mean=MEAN,
            std=STD,
            standardised_inside=kind is not SAFETENSORS,
            framing=manifest.framing,
            native_size=28,
        ),
        test_accuracy=accuracy,
    )


def trained(options: ArchitectureOptions, activation: str) -> Model:
    """A network whose running statistics are no longer 0 and 1."""
    network = build(options, activation, size=SIDE)
    for seed in range(5):
        network(torch.randn((16, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(seed)) + 0.5)
    return model_of(network, options, activation)


def greys(batch: int) -> np.ndarray:
    chance = np.random.default_rng(7)
    return chance.integers(0, 256, size=(batch, 1, SIDE, SIDE)).astype(np.float32)


def logits_of(network: nn.Module, images: np.ndarray) -> np.ndarray:
    """Reckoned here: standardised as the manifest says, then the network."""
    with torch.inference_mode():
        found: np.ndarray = network((torch.from_numpy(images) / 255 - MEAN) / STD).numpy()
        return found


def in_onnx_runtime(content: bytes, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    logits, probabilities = session.run(["logits", "probabilities"], {"image": images})
    return np.asarray(logits), np.asarray(probabilities)


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_onnx_answers_as_the_network_does_in_batches_of_any_size(name: str, activation: str) -> None:
    for options in variants(name):
        model = trained(options, activation)
        content, difference = onnx_file.write(model, card_of(model, ONNX))
        assert 0 <= difference < 1e-4
        for batch in (1, 5):
            expected = logits_of(model.network, greys(batch))
            logits, probabilities = in_onnx_runtime(content, greys(batch))
            assert np.abs(logits - expected).max() < 1e-4
            shares = torch.from_numpy(expected).softmax(1).numpy()
            assert np.abs(probabilities - shares).max() < 1e-5


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_the_header_of_safetensors_is_enough_to_build_the_network_again(name: str, activation: str) -> None:
    for options in variants(name):
        model = trained(options, activation)
        content, difference = safetensors_file.write(model, card_of(model, SAFETENSORS))
        assert difference == 0
        length = int.from_bytes(content[:8], "little")
        layers = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["layers"])
        network = nn.Sequential(OrderedDict((key, getattr(nn, kind)(**given)) for key, kind, given in layers)).eval()
        network.load_state_dict(load(content))
        assert [*dict(network.named_children())] == [*dict(model.network.named_children())]
        assert np.array_equal(logits_of(network, greys(5)), logits_of(model.network, greys(5)))


@pytest.mark.parametrize("name", architectures.names())
def test_a_package_of_torch_export_answers_as_the_network_does(name: str) -> None:
    options = variants(name)[-1]
    model = trained(options, "gelu")
    extra = {"ardoise.json": ""}
    loaded = torch.export.load(BytesIO(packing.package(model, card_of(model, PT2))), extra_files=extra)
    for batch in (1, 5):
        given = loaded.module()(torch.from_numpy(greys(batch)))
        expected = logits_of(model.network, greys(batch))
        assert np.abs(given["logits"].detach().numpy() - expected).max() < 1e-4
        assert given["probabilities"].sum(1).tolist() == pytest.approx([1] * batch)
    about = json.loads(extra["ardoise.json"])
    assert 0 <= about.pop("parity") < 1e-4
    assert [about.pop(name) for name in ("size", "shape")] == [[SIDE, SIDE], [1, 1, SIDE, SIDE]]
    assert [about.pop(name) for name in ("zero", "unit")] == [255 * MEAN, 255 * STD]
    assert ExportCard.model_validate(about) == card_of(model, PT2)


def test_onnx_keeps_the_names_of_layers_and_weights_and_says_what_it_is() -> None:
    model = trained(variants("cnn")[-1], "silu")
    content, difference = onnx_file.write(model, card_of(model, ONNX))
    proto = onnx.load_from_string(content)
    onnx.checker.check_model(proto, full_check=True)
    assert [(each.domain, each.version) for each in proto.opset_import] == [("", 17)]
    dropped = {name for name, layer in model.network.named_children() if isinstance(layer, nn.Dropout)}
    named = {node.name for node in proto.graph.node}
    assert named >= {name for name, _ in model.network.named_children()} - dropped
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in proto.graph.initializer}
    for name, value in model.network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert np.array_equal(constants[name], value.numpy()), name
    about = {each.key: each.value for each in proto.metadata_props}
    assert json.loads(about["labels"]) == DIGITS
    assert json.loads(about["preprocessing"]) == {
        "image_size": SIDE, "mean": MEAN, "std": STD, "standardised_inside": True,
        "framing": {"box": 20, "centre": "mass"}, "native_size": 28,
    }  # fmt: skip
    assert (about["experiment_id"], about["epoch"], about["dataset"]) == (model.manifest.experiment_id, "3", "mnist")
    assert (json.loads(about["test_accuracy"]), json.loads(about["parity"])) == (0.875, difference)
    assert json.loads(about["architecture"]) == model.manifest.architecture.model_dump(mode="json")
    (image,) = proto.graph.input
    assert [each.dim_param or each.dim_value for each in image.type.tensor_type.shape.dim] == ["batch", 1, SIDE, SIDE]


def test_the_same_network_gives_the_same_bytes() -> None:
    model = trained(variants("lenet5")[0], "tanh")
    for kind, write in ((ONNX, onnx_file.write), (SAFETENSORS, safetensors_file.write)):
        assert write(model, card_of(model, kind)) == write(model, card_of(model, kind))
    content, _ = safetensors_file.write(model, card_of(model, SAFETENSORS))
    kept, state = load(content), model.network.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in state.items())
    assert len(kept) == len(state)


OTHERS = {
    "Mish": nn.Mish(), "Hardswish": nn.Hardswish(), "Hardsigmoid": nn.Hardsigmoid(), "ReLU6": nn.ReLU6(),
    "Hardtanh": nn.Hardtanh(-0.5, 0.25), "CELU": nn.CELU(0.7), "SELU": nn.SELU(), "Softsign": nn.Softsign(),
    "GELU": nn.GELU(approximate="tanh"), "ELU": nn.ELU(0.5), "LeakyReLU": nn.LeakyReLU(0.3),
    "Dropout2d": nn.Dropout2d(), "MaxPool2d": nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
    "AvgPool2d": nn.AvgPool2d((3, 2), padding=1, count_include_pad=False), "AdaptiveAvgPool2d": nn.AdaptiveAvgPool2d(1),
    "AdaptiveMaxPool2d": nn.AdaptiveMaxPool2d((1, 1)),
    "Conv2d": nn.Conv2d(4, 6, (3, 5), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2, bias=False),
    "Sequential": nn.Sequential(OrderedDict(inner=nn.Conv2d(4, 4, 1), bent=nn.Tanh())),
}  # fmt: skip
"""Layers that an architecture which is added may have, by what they are in the table."""


@pytest.mark.parametrize("name", OTHERS)
def test_layers_that_no_architecture_has_yet_are_written_too(name: str) -> None:
    torch.manual_seed(0)
    before = nn.Sequential(OrderedDict(convolution=nn.Conv2d(1, 4, 3), layer=OTHERS[name], flatten=nn.Flatten()))
    features = before(torch.zeros(1, 1, SIDE, SIDE)).shape[1]
    network = nn.Sequential(OrderedDict(before.named_children(), output=nn.Linear(features, 10)))
    model = model_of(network)
    content, _ = onnx_file.write(model, card_of(model, ONNX))
    logits, _ = in_onnx_runtime(content, greys(3))
    assert np.abs(logits - logits_of(network, greys(3))).max() < 1e-4


def test_the_table_knows_no_layer_that_is_not_tested() -> None:
    built = [build(options, activation, size=SIDE) for name, activation in PAIRS for options in variants(name)]
    kinds = {kind.__name__ for network in built for layer in network for kind in type(layer).__mro__}
    assert set(WRITERS) <= kinds | set(OTHERS)


def with_layer(layer: nn.Module) -> Model:
    return model_of(nn.Sequential(OrderedDict(flatten=nn.Flatten(), odd=layer, output=nn.Linear(SIDE**2, 10))))


class Doubled(nn.ReLU):
    """Not what its class says."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's own name for it
        return 2 * super().forward(input)


REFUSED = {
    "is a Threshold": nn.Threshold(0.1, 20.0),
    "beta=2": nn.Softplus(beta=2),
    "affine=False": nn.BatchNorm1d(SIDE**2, affine=False),
    "differ by": Doubled(),
}


@pytest.mark.parametrize("said", REFUSED)
def test_a_layer_that_onnx_cannot_hold_is_named(said: str) -> None:
    model = with_layer(REFUSED[said])
    with pytest.raises(UnexportableError, match=said) as refused:
        onnx_file.write(model, card_of(model, ONNX))
    assert "layer odd" in refused.value.message or said == "differ by"


def test_a_layer_that_is_not_torch_s_own_leaves_the_weights_without_a_list_of_layers() -> None:
    class Own(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values + 1

    model = with_layer(Own())
    content, _ = safetensors_file.write(model, card_of(model, SAFETENSORS))
    assert b'"layers":"null"' in content
    assert set(load(content)) == {"output.bias", "output.weight"}
    assert packing.package(model, card_of(model, PT2))


def test_a_network_that_has_diverged_is_exported_as_it_is() -> None:
    model = trained(variants("perceptron")[0], "relu")
    with torch.no_grad():
        next(model.network.parameters()).fill_(torch.nan)
    content, difference = onnx_file.write(model, card_of(model, ONNX))
    assert difference == 0
    assert np.isnan(in_onnx_runtime(content, greys(2))[0]).all()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[ExportFormat]:
    """Every file that was made, in their order; each is of ten bytes."""
    made: list[ExportFormat] = []

    def write(model: Model, card: ExportCard) -> tuple[bytes, float]:
        made.append(card.format)
        return bytes(10), 0.5

    monkeypatch.setattr(exports, "_WRITERS", dict.fromkeys(ExportFormat, write))
    return made


def test_a_file_is_made_once_however_many_ask_at_once(written: list[ExportFormat]) -> None:
    made, model = written, with_layer(nn.ReLU())
    kept, together = Exports(), threading.Barrier(8)

    def ask(number: int) -> int:
        together.wait()
        return id(kept.get(card_of(model, (ONNX, PT2)[number % 2]), model))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 2
    assert sorted(made) == [ONNX, PT2]


def test_the_file_asked_for_longest_ago_makes_way_and_so_do_those_of_a_deleted_run(
    written: list[ExportFormat],
) -> None:
    made, model, kept = written, with_layer(nn.ReLU()), Exports(capacity_bytes=20)
    first, second, third = (card_of(model, ONNX, accuracy=accuracy) for accuracy in (0.1, 0.2, 0.3))
    for card in (first, second, first, third):
        kept.get(card, model)
    assert len(made) == 3
    assert [kept.kept(card) is not None for card in (first, second, third)] == [True, False, True]
    kept.forget(model.manifest.experiment_id)
    assert kept.kept(first) is None
    assert Exports(capacity_bytes=9).get(first, model).content == bytes(10)
