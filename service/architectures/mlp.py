"""Dense layers, an activation after each hidden one: the multilayer perceptron."""

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from service.domain.architecture import ArchitectureOptions, Dropout, HiddenLayers, Switch

if TYPE_CHECKING:
    from torch import nn


class Options(ArchitectureOptions):
    """Without hidden layers it is the perceptron."""

    name: Literal["mlp"] = "mlp"
    hidden: HiddenLayers = (256, 128)
    """Units of each hidden layer, from the image on."""
    dropout: Dropout = 0.0
    """Probability that a hidden unit is silenced in a training step, after its activation."""
    batch_norm: Switch = False
    """Normalise each hidden layer over the batch before its activation; its shift then replaces the layer's bias."""


def build(options: Options, *, activation: "type[nn.Module]", image_size: int, classes: int) -> "nn.Sequential":
    """Per hidden layer: dense, batch norm, activation, dropout."""
    from torch import nn

    from service.architectures._batch_norm import BatchNorm1d

    layers = OrderedDict[str, nn.Module](flatten=nn.Flatten())
    features = image_size**2
    for number, units in enumerate(options.hidden, start=1):
        layers[f"hidden{number}"] = nn.Linear(features, units, bias=not options.batch_norm)
        if options.batch_norm:
            layers[f"batch_norm{number}"] = BatchNorm1d(units)
        layers[f"activation{number}"] = activation()
        if options.dropout:
            layers[f"dropout{number}"] = nn.Dropout(options.dropout)
        features = units
    layers["output"] = nn.Linear(features, classes)
    return nn.Sequential(layers)
