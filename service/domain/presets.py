"""Ready specs by name, and how the rest of a document comes on top of one.

A preset is one entry of `PRESETS`: a sentence that says what it is for, and a spec in the short form. In a spec,
`"preset": NAME` stands for that spec with its name as the experiment's; what is beside it overrides.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

Document = Mapping[str, Any]


class Preset(NamedTuple):
    """What a name stands for."""

    description: str
    spec: Document


_STRIDED_CNN = {"name": "cnn", "kernel_size": 5, "pool": "stride", "batch_norm": True}
_LAB = {"dataset": "usps", "optimizer": {"name": "sgd", "learning_rate": 0.03, "momentum": 0.9}, "epochs": 20}
_DENSE = {"name": "mlp", "hidden": [256, 128]}

PRESETS: Mapping[str, Preset] = {
    "pytorch-example": Preset(
        "PyTorch's MNIST example, but that 1 % of the training split is held back to choose the epoch by.",
        {
            "dataset": {"name": "mnist", "validation_fraction": 0.01},
            "architecture": "mnist_example",
            "activation": "relu",
            "optimizer": {"name": "adadelta", "learning_rate": 1.0},
            "schedule": {"name": "exponential", "gamma": 0.7},
            "batch_size": 64,
            "epochs": 14,
            "seed": 1,
        },
    ),
    "mnist-speedrun": Preset(
        "99 % of MNIST's test digits in the least time on two cores: a small network, one pass over 46,000 images.",
        {
            "dataset": {"name": "mnist", "validation_fraction": 0.01, "train_size": 46_000},
            "architecture": {**_STRIDED_CNN, "channels": [16, 32, 32], "hidden": [64]},
            "activation": "silu",
            "optimizer": {"name": "adam", "betas": [0.7, 0.95], "epsilon": 1e-6},
            "schedule": {"name": "one_cycle", "max_learning_rate": 0.03, "warmup_fraction": 0.15},
            "loss": {"label_smoothing": 0.08},
            "batch_size": 256,
            "epochs": 1,
            "precision": "bf16",
        },
    ),
    "mnist-best": Preset(
        "99.5 % of them: a wider network, seven passes over images turned, scaled, slanted and moved a little.",
        {
            "dataset": {
                "name": "mnist",
                "validation_fraction": 0.01,
                "augmentation": [{"name": "affine", "degrees": 9, "pixels": 1.3, "scale": 0.13, "shear": 0.13}],
            },
            "architecture": {**_STRIDED_CNN, "channels": [16, 48, 48], "hidden": [], "dropout": 0.08},
            "activation": "gelu",
            "optimizer": {"name": "adam", "betas": [0.85, 0.985], "epsilon": 1e-6},
            "schedule": {"name": "one_cycle", "max_learning_rate": 0.011, "warmup_fraction": 0.2},
            "loss": {"label_smoothing": 0.07},
            "batch_size": 256,
            "epochs": 7,
            # The step size ends at nothing: the last weights are the best, and 600 images cannot say otherwise.
            "checkpoints": {"keep": "last"},
            "precision": "bf16",
        },
    ),
    "lab-perceptron": Preset(
        "One linear layer on USPS: what can be told apart by weighing pixels.", {**_LAB, "architecture": "perceptron"}
    ),
    "lab-linear": Preset(
        "Hidden layers without a nonlinearity: one linear map still, of forty times the parameters.",
        {**_LAB, "architecture": _DENSE, "activation": "identity"},
    ),
    "lab-sigmoid": Preset(
        "The same layers with the sigmoid, whose small slope needs a larger learning rate.",
        {
            **_LAB,
            "architecture": _DENSE,
            "activation": "sigmoid",
            "optimizer": {"name": "sgd", "learning_rate": 0.3, "momentum": 0.9},
        },
    ),
    "lab-tanh": Preset(
        "The same layers with the hyperbolic tangent.", {**_LAB, "architecture": _DENSE, "activation": "tanh"}
    ),
    "lab-relu": Preset("The same layers with the rectifier.", {**_LAB, "architecture": _DENSE, "activation": "relu"}),
    "lab-cnn": Preset(
        "Two convolutions in place of the two dense hidden layers: a tenth of the parameters of lab-relu.",
        {**_LAB, "architecture": {"name": "cnn", "channels": [16, 32], "hidden": []}, "activation": "relu"},
    ),
}


def names() -> tuple[str, ...]:
    """In the order of the table."""
    return tuple(PRESETS)


def expanded(document: Document) -> dict[str, Any]:
    """The document's preset with the document on top, and no `preset` any more; KeyError where there is none such.

    An object is merged field by field, unless it names another than the preset does: then, as a string or any other
    value, it stands alone.
    """
    given = {field: value for field, value in document.items() if field != "preset"}
    if (preset := document.get("preset")) is None:
        return given
    below = {"name": preset, **PRESETS[preset].spec}
    if given.get("name") is None:
        given["name"] = preset
    return below | {field: _on_top(value, below.get(field)) for field, value in given.items()}


def _on_top(above: object, below: object) -> object:
    if not isinstance(above, dict):
        return above
    if isinstance(below, str):
        below = {"name": below}
    if not isinstance(below, dict) or above.get("name", below.get("name")) != below.get("name"):
        return above
    return below | {field: _on_top(value, below.get(field)) for field, value in above.items()}
