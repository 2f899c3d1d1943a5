"""Convolutions, each of which halves the image by 2x2 pooling or by its own stride, then dense layers."""

from collections import OrderedDict
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from service.domain.architecture import MAX_LAYERS, ArchitectureOptions, Dropout, HiddenLayers, Switch, Units

if TYPE_CHECKING:
    from torch import nn


def _odd(kernel_size: int) -> int:
    if kernel_size % 2 == 0:
        raise ValueError(f"{kernel_size} is even: only an odd kernel has a middle pixel and keeps the image's size")
    return kernel_size


KernelSize = Annotated[
    int, Field(strict=True, ge=1, le=11, json_schema_extra={"enum": [1, 3, 5, 7, 9, 11]}), AfterValidator(_odd)
]


class Options(ArchitectureOptions):
    """At most 64 layers with weights: the convolutions, the hidden dense layers and the output."""

    name: Literal["cnn"] = "cnn"
    channels: Annotated[tuple[Units, ...], Field(min_length=1, max_length=MAX_LAYERS - 1)] = (16, 32)
    """Output channels of each convolution, from the image on."""
    kernel_size: KernelSize = 3
    """Side of every kernel in pixels, odd; the border is padded with zeros so that the size stays."""
    pool: Literal["max", "average", "stride", "none"] = "max"
    """What halves the side at every convolution, for as long as it is at least 2; `stride`: its own stride of 2."""
    hidden: HiddenLayers = (64,)
    """Units of each hidden dense layer after the convolutions; may be empty."""
    dropout: Dropout = 0.0
    """Probability that an input of a dense layer is silenced in a training step."""
    batch_norm: Switch = False
    """Normalise each hidden layer over the batch before its activation; its shift then replaces the layer's bias."""

    @model_validator(mode="after")
    def _limit_layers(self) -> Self:
        layers = len(self.channels) + len(self.hidden) + 1
        if layers > MAX_LAYERS:
            raise ValueError(f"{layers} layers with weights, the output among them; at most {MAX_LAYERS} are allowed")
        return self


def build(options: Options, *, activation: "type[nn.Module]", image_size: int, classes: int) -> "nn.Sequential":
    """Per convolution: batch norm, activation, pooling; dropout in front of every dense layer."""
    from torch import nn

    from service.architectures._batch_norm import BatchNorm1d, BatchNorm2d

    pooling = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}.get(options.pool)
    layers = OrderedDict[str, nn.Module]()
    before, side = 1, image_size
    for number, channels in enumerate(options.channels, start=1):
        stride = 2 if options.pool == "stride" and side >= 2 else 1
        layers[f"convolution{number}"] = nn.Conv2d(
            before,
            channels,
            options.kernel_size,
            stride=stride,
            padding=options.kernel_size // 2,
            bias=not options.batch_norm,
        )
        side = -(-side // stride)
        if options.batch_norm:
            layers[f"batch_norm{number}"] = BatchNorm2d(channels)
        layers[f"activation{number}"] = activation()
        if pooling is not None and side >= 2:
            layers[f"pool{number}"] = pooling(2)
            side //= 2
        before = channels
    layers["flatten"] = nn.Flatten()
    features = before * side**2
    for number, units in enumerate(options.hidden, start=1):
        nth = len(options.channels) + number
        if options.dropout:
            layers[f"dropout{number}"] = nn.Dropout(options.dropout)
        layers[f"hidden{number}"] = nn.Linear(features, units, bias=not options.batch_norm)
        if options.batch_norm:
            layers[f"batch_norm{nth}"] = BatchNorm1d(units)
        layers[f"activation{nth}"] = activation()
        features = units
    if options.dropout:
        layers[f"dropout{len(options.hidden) + 1}"] = nn.Dropout(options.dropout)
    layers["output"] = nn.Linear(features, classes)
    return nn.Sequential(layers)
