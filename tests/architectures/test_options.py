"""What the options of the architectures allow, and how the layers follow from them."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from service import architectures


def layers(name: str, *, image_size: int = 8, **options: Any) -> list[str]:
    chosen = architectures.options_class(name).model_validate(options)
    network = architectures.build(chosen, activation="relu", image_size=image_size, classes=10)
    return [key for key, _ in network.named_children()]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("mlp", "hidden", [0]),
        ("mlp", "hidden", [65_537]),
        ("mlp", "hidden", [1] * 64),
        ("mlp", "hidden", [True]),
        ("mlp", "hidden", ["5"]),
        ("mlp", "hidden", [5.0]),
        ("mlp", "dropout", 1),
        ("mlp", "dropout", -0.1),
        ("mlp", "dropout", float("nan")),
        ("mlp", "dropout", True),
        ("mlp", "batch_norm", 1),
        ("cnn", "channels", []),
        ("cnn", "channels", [65_537]),
        ("cnn", "kernel_size", 4),
        ("cnn", "kernel_size", 13),
        ("cnn", "kernel_size", True),
        ("cnn", "pool", "min"),
        ("cnn", "hiden", [64]),
        ("perceptron", "hidden", [64]),
        ("lenet5", "dropout", 0.5),
    ],
)
def test_a_value_outside_the_limits_is_refused_by_the_name_of_its_field(name: str, field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        architectures.options_class(name).model_validate({field: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


def test_the_limits_themselves_are_allowed() -> None:
    cnn, mlp = architectures.options_class("cnn"), architectures.options_class("mlp")
    mlp.model_validate({"hidden": [65_536] * 63, "dropout": 0})
    cnn.model_validate({"channels": [1] * 31, "hidden": [1] * 32, "kernel_size": 11})


def test_convolutions_and_dense_layers_are_counted_together() -> None:
    with pytest.raises(ValidationError, match="65 layers with weights, the output among them; at most 64"):
        architectures.options_class("cnn").model_validate({"channels": [1] * 32, "hidden": [1] * 32})


def test_a_dense_network_without_hidden_layers_is_the_perceptron() -> None:
    assert layers("mlp", hidden=()) == layers("perceptron") == ["flatten", "output"]


def test_the_order_in_a_hidden_layer_is_dense_norm_activation_dropout() -> None:
    expected = ["flatten", "hidden1", "batch_norm1", "activation1", "dropout1", "output"]
    assert layers("mlp", hidden=(4,), dropout=0.5, batch_norm=True) == expected


def test_the_order_after_a_convolution_is_norm_activation_pool_and_dropout_precedes_each_dense_layer() -> None:
    assert layers("cnn", channels=(2,), hidden=(4,), dropout=0.5, batch_norm=True) == [
        *("convolution1", "batch_norm1", "activation1", "pool1", "flatten"),
        *("dropout1", "hidden1", "batch_norm2", "activation2", "dropout2", "output"),
    ]


def test_pooling_ends_when_one_pixel_is_left() -> None:
    names = layers("cnn", channels=(2,) * 5, image_size=8)
    assert [name for name in names if name.startswith("pool")] == ["pool1", "pool2", "pool3"]


@pytest.mark.parametrize(("pool", "expected"), [("max", 4.0), ("average", 2.5), ("none", 4.0)])
def test_the_pool_asked_for_is_the_one_used(pool: str, expected: float) -> None:
    options = architectures.options_class("cnn").model_validate({"channels": [1], "kernel_size": 1, "pool": pool})
    network = architectures.build(options, activation="identity", image_size=2, classes=10)
    with torch.no_grad():
        network.get_parameter("convolution1.weight").fill_(1)
        network.get_parameter("convolution1.bias").fill_(0)
        values = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
        for key, layer in network.named_children():
            if key == "flatten":
                break
            values = layer(values)
    assert values.flatten()[-1] == expected
    assert values.numel() == (4 if pool == "none" else 1)


def test_a_single_image_is_normalised_by_the_running_statistics_and_leaves_them_alone() -> None:
    options = architectures.options_class("mlp").model_validate({"batch_norm": True, "hidden": [4]})
    network = architectures.build(options, activation="relu", image_size=8, classes=10)
    network(torch.rand((16, 1, 8, 8)))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    image = torch.rand((1, 1, 8, 8))
    assert torch.equal(network.train()(image), network.eval()(image))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no architecture 'mpl'; there are .*cnn.*, mlp, "):
        architectures.options_class("mpl")
    with pytest.raises(ValueError, match="no architecture '_describe'"):
        architectures.description("_describe")


def test_the_catalogue_is_read_without_importing_torch() -> None:
    script = (
        "import sys\n"
        "from service import activations, architectures\n"
        "[c.model_json_schema() for c in architectures.options_classes()]\n"
        "[activations.description(n) for n in activations.names()]\n"
        "[architectures.description(n) for n in architectures.names()]\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
