"""Inside every architecture under every activation: weights, maps, one number taken apart, saliency, contributions."""

import base64
import copy
import io
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.special
import torch
from PIL import Image
from torch import nn

from service import activations, architectures, datasets
from service.analysis import inside_pictures
from service.domain.feature_maps import Format
from service.domain.manifest import Manifest
from service.domain.prediction import CheckpointName, Preprocessing
from service.domain.saliency import Input, Method, Pair, Target, Windows
from service.domain.spec import ExperimentSpec
from service.errors import ConflictError, InvalidSpecError
from service.inference import contributions, feature_maps, filters, layers, positions, saliency
from service.inference.models import Model
from service.inference.subject import Opened, Subject

SIDE = 12
MEAN, STD = 0.2, 0.3
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"name": name} for name in architectures.names()},
    "mlp without hidden layers": {"name": "mlp", "hidden": []},
    "mlp normalised": {"name": "mlp", "hidden": [9, 7], "batch_norm": True, "dropout": 0.3},
    "cnn by stride": {"name": "cnn", "channels": [3, 5], "kernel_size": 5, "pool": "stride", "hidden": []},
    "cnn by average": {"name": "cnn", "channels": [3], "pool": "average", "batch_norm": True, "dropout": 0.2},
}
ALL = [(variant, activation) for variant in VARIANTS for activation in activations.names()]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks on a shared machine: more threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def opened(variant: str, activation: str = "relu", *, side: int = SIDE) -> Opened:
    """An untrained network, its running statistics no longer 0 and 1."""
    spec = ExperimentSpec.model_validate(
        {"dataset": {"name": "synthetic"}, "architecture": VARIANTS[variant], "activation": activation}
    )
    torch.manual_seed(1)
    network = architectures.build(spec.architecture, activation=activation, image_size=side, classes=10)
    network(torch.randn(16, 1, side, side))
    manifest = Manifest(
        experiment_id="e",
        spec_hash="sha256:0",
        epoch=1,
        architecture=spec.architecture,
        activation=spec.activation,
        image_size=side,
        labels=tuple("0123456789"),
        mean=MEAN,
        std=STD,
        framing=datasets.facts("synthetic").framing,
        native_size=16,
    )
    model = Model(network=network.eval(), manifest=manifest, bytes=0)
    return Opened(model=model, experiment_id="e", checkpoint=CheckpointName(name="best", epoch=1))


def looked(variant: str, activation: str = "relu", *, side: int = SIDE) -> Subject:
    """The same before an image of random greys."""
    pixels = np.random.default_rng(2).integers(0, 256, (side, side)).astype(np.float32)
    return Subject(
        opened=opened(variant, activation, side=side),
        pixels=pixels,
        preprocessing=Preprocessing(inverted=False, cropped=None),
    )


def logits(subject: Subject, pixels: np.ndarray) -> np.ndarray:
    """In double precision, of pixels `(n, side, side)` in 0..255, by the formula of the manifest."""
    network = copy.deepcopy(subject.model.network).double()
    with torch.inference_mode():
        given = (torch.from_numpy(pixels.astype(np.float64)) / 255 - MEAN) / STD
        found: np.ndarray = network(given[:, None]).numpy()
    return found


@pytest.mark.parametrize(("variant", "activation"), ALL)
def test_the_gradient_is_the_slope_of_the_logit_as_finite_differences_find_it(variant: str, activation: str) -> None:
    subject = looked(variant, activation)
    found = saliency.describe(
        subject, method=Method.GRADIENT, target=Target.LOGIT, asked=Pair(digit=3), windows=Windows()
    )
    step = 1e-4  # in grey levels: small enough to cross next to no kink
    moved = np.repeat(subject.pixels[None].astype(np.float64), 2 * SIDE**2, axis=0)
    for at in range(SIDE**2):
        moved[2 * at, at // SIDE, at % SIDE] += step
        moved[2 * at + 1, at // SIDE, at % SIDE] -= step
    ends = logits(subject, moved)[:, 3]
    slopes = (ends[0::2] - ends[1::2]).reshape(SIDE, SIDE) / (2 * step / 255)
    assert np.abs(np.array(found.map) - slopes).max() < 1e-3 * max(1e-2, np.abs(slopes).max())
    assert found.value == pytest.approx(logits(subject, subject.pixels[None])[0, 3], abs=1e-5)


MEASURES: dict[Target, Callable[[np.ndarray], np.ndarray]] = {
    Target.LOGIT: lambda out: out[:, 3],
    Target.GAP: lambda out: out[:, 3] - out[:, 5],
    Target.PROBABILITY: lambda out: scipy.special.softmax(out, axis=1)[:, 3],
}


@pytest.mark.parametrize("target", Target)
def test_gradient_and_occlusion_are_of_the_target_that_is_asked_for(target: Target) -> None:
    subject = looked("cnn", "tanh")
    asked = Pair(digit=3, against=5 if target is Target.GAP else None)
    whole = MEASURES[target]
    by_gradient = saliency.describe(subject, method=Method.GRADIENT, target=target, asked=asked, windows=Windows())
    by_window = saliency.describe(
        subject, method=Method.OCCLUSION, target=target, asked=asked, windows=Windows(window=3, stride=4)
    )
    assert by_window.occlusion is not None
    assert by_window.occlusion.starts == (0, 4, 8, 9)
    blanked = np.repeat(subject.pixels[None], 16, axis=0)
    for at, image in enumerate(blanked):
        top, left = by_window.occlusion.starts[at // 4], by_window.occlusion.starts[at % 4]
        image[top : top + 3, left : left + 3] = 0
    before = whole(logits(subject, subject.pixels[None]))[0]
    assert by_gradient.value == by_window.value == pytest.approx(before, abs=1e-5)
    drops = before - whole(logits(subject, blanked)).reshape(4, 4)
    assert np.abs(np.array(by_window.occlusion.drops) - drops).max() < 1e-5
    moved = subject.pixels[None].astype(np.float64) + np.array([1e-4, -1e-4])[:, None, None] * np.eye(SIDE)
    up, down = whole(logits(subject, moved))
    assert np.trace(np.array(by_gradient.map)) == pytest.approx((up - down) / (2e-4 / 255), rel=1e-3, abs=1e-5)


def test_a_window_without_ink_costs_nothing_and_one_with_ink_what_blanking_it_costs() -> None:
    subject = looked("lenet5", "tanh")
    subject.pixels[:, :7] = 0
    found = saliency.describe(
        subject, method=Method.OCCLUSION, target=Target.LOGIT, asked=Pair(digit=1), windows=Windows(window=4, stride=4)
    )
    assert found.occlusion is not None
    drops = np.array(found.occlusion.drops)
    assert not drops[:, 0].any()
    right = subject.pixels.copy()
    right[4:8, 8:] = 0
    before, after = logits(subject, np.stack([subject.pixels, right]))[:, 1]
    assert drops[1, 2] == pytest.approx(before - after, abs=1e-5)


def test_a_pixel_s_occlusion_is_the_mean_over_the_windows_that_hold_it() -> None:
    drops = np.array([[1.0, 2.0], [4.0, 8.0]])
    spread = saliency.spread(drops, (0, 1), window=2, side=3)
    assert spread.tolist() == [[1, 1.5, 2], [2.5, 3.75, 5], [4, 6, 8]]
    gapped = saliency.spread(np.ones((2, 2)), (0, 2), window=1, side=3)
    assert np.isnan(gapped[1]).all()
    assert gapped[0, 0] == 1


@pytest.mark.parametrize(("variant", "activation"), ALL)
def test_maps_are_what_the_network_computes_and_the_last_are_its_logits(variant: str, activation: str) -> None:
    subject = looked(variant, activation)
    before = subject.pixels.copy()
    found = feature_maps.describe(subject, layer=None, maps=64, format=Format.JSON)
    given = (torch.from_numpy(before)[None, None] / 255 - MEAN) / STD
    with torch.inference_mode():
        for (name, layer), facts in zip(subject.model.network.named_children(), found.layers, strict=True):
            given = layer(given)
            assert (facts.name, facts.shape) == (name, tuple(given.shape[1:]))
            values = np.array(facts.values if facts.maps is None else facts.maps)
            assert np.abs(values - given[0].numpy()).max() < 1e-4
            assert (facts.minimum, facts.maximum) == (values.min(), values.max())
    assert np.array(found.layers[-1].values) == pytest.approx(np.array(found.prediction.logits), abs=1e-6)
    assert np.array_equal(np.array(found.image.pixels), before)


def test_maps_as_pictures_are_the_same_numbers_in_256_steps() -> None:
    subject = looked("cnn", "tanh")
    numbers = feature_maps.describe(subject, layer="convolution2", maps=5, format=Format.JSON).layers[0]
    picture = feature_maps.describe(subject, layer="convolution2", maps=5, format=Format.PNG).layers[0]
    assert picture.png is not None
    assert picture.maps is None
    assert (numbers.shown, picture.shown, picture.shape[0]) == (5, 5, 32)
    assert picture.minimum is not None
    assert picture.maximum is not None
    grey = np.stack([np.asarray(Image.open(io.BytesIO(base64.b64decode(each)))) for each in picture.png])
    span = picture.maximum - picture.minimum
    assert np.abs(picture.minimum + grey / 255 * span - np.array(numbers.maps)).max() <= span / 255


@pytest.mark.parametrize(("variant", "activation"), ALL)
def test_patch_times_kernel_plus_bias_is_the_number_in_the_map(variant: str, activation: str) -> None:
    """The corners, where the border is padded, and the middle, of each layer with weights."""
    subject = looked(variant, activation)
    steps = {step.name: step.values for step in layers.trace(subject.model.network, subject.batch())}
    for name in layers.weighted(subject.model.network):
        count, rows, columns = (*steps[name].shape, 1, 1)[:3]
        for row, column in {(0, 0), (rows - 1, columns - 1), (rows // 2, 0), (rows // 2, columns // 2)}:
            found = positions.describe(subject, layer=name, map=count - 1, row=row, column=column)
            stored = steps[name].reshape(count, rows, columns)[count - 1, row, column]
            products = np.array(found.patch) * np.array(found.kernel)
            assert np.array_equal(products, np.array(found.products))
            assert products.sum() + (found.bias or 0) == pytest.approx(stored, abs=1e-5)
            assert found.sum == pytest.approx(stored, abs=1e-5)
            assert found.value == stored
            after = list(steps)[list(steps).index(name) + 1 :][:1]
            if after and after[0].startswith("activation"):
                assert found.then[after[0]] == steps[after[0]].reshape(count, rows, columns)[count - 1, row, column]


def test_groups_dilation_and_padding_by_name_are_reckoned_with() -> None:
    torch.manual_seed(3)
    layered = OrderedDict(
        first=nn.Conv2d(1, 4, 3, padding="valid"),
        second=nn.Conv2d(4, 6, 3, groups=2, dilation=2, padding="same"),
        flatten=nn.Flatten(),
        output=nn.Linear(6 * (SIDE - 2) ** 2, 10),
    )
    like = looked("cnn")
    model = replace(like.model, network=nn.Sequential(layered))
    subject = replace(like, opened=replace(like.opened, model=model))
    for name, map_, row, column in (("first", 1, 9, 9), ("second", 5, 0, 9), ("second", 0, 5, 5), ("output", 3, 0, 0)):
        found = positions.describe(subject, layer=name, map=map_, row=row, column=column)
        assert found.sum == pytest.approx(found.value, abs=1e-5)


def test_a_dense_layer_s_patch_is_laid_out_as_what_was_flattened() -> None:
    image, maps = looked("mlp"), looked("lenet5")
    first = positions.describe(image, layer=None, map=4, row=0, column=0)
    assert np.array(first.kernel).shape == (1, SIDE, SIDE)
    assert np.array(first.patch)[0] == pytest.approx((image.pixels / 255 - MEAN) / STD, abs=1e-5)
    later = positions.describe(maps, layer="hidden1", map=4, row=0, column=0)
    assert np.array(later.patch).shape == (16, 1, 1)
    assert np.array(positions.describe(maps, layer="hidden2", map=0, row=0, column=0).patch).shape == (1, 1, 120)


LINEAR = [
    ("perceptron", "relu"), ("mlp", "identity"), ("mlp normalised", "identity"), ("mlp without hidden layers", "tanh"),
    ("lenet5", "identity"), ("cnn by stride", "identity"), ("cnn by average", "identity"),
]  # fmt: skip


@pytest.mark.parametrize(("variant", "activation"), LINEAR)
@pytest.mark.parametrize("given", Input)
def test_contributions_and_bias_sum_to_the_gap_of_the_logits(variant: str, activation: str, given: Input) -> None:
    subject = looked(variant, activation)
    found = contributions.describe(subject, asked=Pair(), input=given)
    exact = logits(subject, subject.pixels[None])[0]
    order = np.argsort(-exact)
    assert (found.digit, found.against) == (order[0], order[1])
    assert found.bias is not None
    assert np.array(found.map).sum() + found.bias == pytest.approx(exact[order[0]] - exact[order[1]], abs=1e-6)
    assert found.gap == pytest.approx(found.network_gap, abs=1e-5)
    if given is Input.INK:
        blank = logits(subject, np.zeros((1, SIDE, SIDE)))[0]
        assert found.bias == pytest.approx(blank[order[0]] - blank[order[1]], abs=1e-6)
        assert not np.array(found.map)[subject.pixels == 0].any()


def test_a_perceptron_s_contributions_are_its_own_weights() -> None:
    subject = looked("perceptron")
    layer = subject.model.network.output
    assert isinstance(layer, nn.Linear)
    found = contributions.describe(subject, asked=Pair(digit=2, against=7), input=Input.STANDARDISED)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    assert np.array(found.weights).ravel() == pytest.approx(weight[2].astype(float) - weight[7], abs=1e-7)
    assert found.bias == pytest.approx(float(bias[2]) - float(bias[7]), abs=1e-7)


@pytest.mark.parametrize(
    ("variant", "activation"),
    [case for case in ALL if case not in LINEAR and case[0] not in ("perceptron", "mlp without hidden layers")],
)
def test_a_network_that_is_not_linear_says_which_layer_bends_it(variant: str, activation: str) -> None:
    with pytest.raises(ConflictError, match=r"activation1|pool"):
        contributions.describe(looked(variant, activation), asked=Pair(), input=Input.INK)


@pytest.mark.parametrize(("variant", "activation"), ALL)
def test_every_layer_s_weights_are_shown(variant: str, activation: str) -> None:
    subject = opened(variant, activation)
    for name, layer in layers.weighted(subject.model.network).items():
        found = filters.describe(subject, layer=name, channel=None, offset=0, limit=4)
        weight = layer.weight.detach().numpy()
        first = np.array(found.tiles[0].values)
        if found.tiles[0].index is None:
            assert np.array_equal(first, weight)
        else:
            whole = weight.reshape(len(weight), found.channels, *first.shape)
            assert first == pytest.approx(whole[0].mean(0), abs=1e-6)
            assert (found.total, len(found.tiles)) == (len(weight), min(4, len(weight)))
            last = filters.describe(subject, layer=name, channel=found.channels - 1, offset=1, limit=1)
            assert np.array_equal(np.array(last.tiles[0].values), whole[1, -1])
            assert last.tiles[0].bias == (None if layer.bias is None else layer.bias[1])


def test_the_first_layer_s_units_are_laid_out_as_the_image() -> None:
    found = filters.describe(opened("perceptron"), layer=None, channel=None, offset=0, limit=100)
    assert (found.layer.name, found.total, np.array(found.tiles[3].values).shape) == ("output", 10, (SIDE, SIDE))
    (layer,) = layers.weighted(opened("perceptron").model.network).values()
    weights = layer.weight.detach().numpy()
    assert found.scale == pytest.approx(np.abs(weights).max())


WRONG: dict[str, tuple[str, Any]] = {
    "layer": ("allowed: convolution1", lambda s: positions.describe(s, layer="convolution", map=0, row=0, column=0)),
    "channel": ("must be 0", lambda s: filters.describe(s.opened, layer=None, channel=1, offset=0, limit=1)),
    "offset": ("between 0 and 15", lambda s: filters.describe(s.opened, layer=None, channel=None, offset=16, limit=1)),
    "map": ("between 0 and 31", lambda s: positions.describe(s, layer="convolution2", map=32, row=0, column=0)),
    "row": ("between 0 and 11", lambda s: positions.describe(s, layer=None, map=0, row=12, column=0)),
    "column": ("must be 0", lambda s: positions.describe(s, layer="output", map=0, row=0, column=1)),
    "digit": ("between 0 and 9", lambda s: s.pair(Pair(digit=10))),
    "against": ("another", lambda s: s.pair(Pair(digit=4, against=4))),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_there_is_pointed_at(name: str) -> None:
    said, ask = WRONG[name]
    with pytest.raises(InvalidSpecError) as raised:
        ask(looked("cnn"))
    (error,) = raised.value.errors
    assert error.pointer == f"#/query/{name}"
    assert said in error.detail


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"method": Method.OCCLUSION, "windows": Windows(window=13)}, "window"),
        ({"method": Method.OCCLUSION, "windows": Windows(window=1, stride=1), "side": 64}, "stride"),
        ({"method": Method.GRADIENT, "windows": Windows(stride=1)}, "stride"),
        ({"method": Method.GRADIENT, "asked": Pair(against=1)}, "against"),
    ],
)
def test_options_of_saliency_that_do_not_fit_are_pointed_at(options: dict[str, Any], name: str) -> None:
    given: dict[str, Any] = {"target": Target.LOGIT, "asked": Pair(), "windows": Windows()} | options
    subject = looked("perceptron", side=given.pop("side", SIDE))
    with pytest.raises(InvalidSpecError) as raised:
        saliency.describe(subject, **given)
    assert raised.value.errors[0].pointer == f"#/query/{name}"


def test_the_default_stride_is_the_smallest_that_is_quick() -> None:
    found = saliency.describe(
        looked("mnist_example", side=28), method=Method.OCCLUSION, target=Target.LOGIT, asked=Pair(), windows=Windows()
    )
    assert found.occlusion is not None
    assert (found.occlusion.window, found.occlusion.stride) == (4, 2)
    assert len(found.occlusion.starts) == 13


def test_numbers_that_are_not_finite_are_null_everywhere() -> None:
    subject = looked("mlp without hidden layers")
    with torch.no_grad():
        next(subject.model.network.parameters()).fill_(torch.nan)
    accounted = contributions.describe(subject, asked=Pair(), input=Input.INK)
    weights = filters.describe(subject.opened, layer=None, channel=None, offset=0, limit=9)
    maps = feature_maps.of_one_layer(subject, layer=None, maps=9)
    by_method = [
        saliency.describe(subject, method=method, target=Target.GAP, asked=Pair(), windows=Windows())
        for method in Method
    ]
    taken_apart = positions.describe(subject, layer=None, map=0, row=0, column=0)
    for each in (accounted, weights, maps, taken_apart, *by_method):
        text = each.model_dump_json()
        assert "null" in text
        assert "NaN" not in text
    drawn = [
        inside_pictures.of_contributions(accounted),
        inside_pictures.of_filters(weights),
        inside_pictures.of_feature_maps(maps),
        *map(inside_pictures.of_saliency, by_method),
    ]
    assert all(each.startswith(b"\x89PNG") for each in drawn)
