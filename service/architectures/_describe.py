"""Reads a network layer by layer: shapes, parameters and how they come about, multiply-accumulates."""

from math import prod

import torch
from torch import nn

from service import activations
from service.domain.ledger import DenseEquivalent, LayerFacts

_KEEPING = (nn.Identity, nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d)
"""Layers that change no shape; activations change none either."""


def describe(network: nn.Sequential, *, image_size: int) -> tuple[LayerFacts, ...]:
    """The facts of each layer, in order. Nothing is allocated for a network that was built on `meta`.

    It is left in evaluation mode.
    """
    network.eval()
    facts = []
    with torch.inference_mode():
        shape: tuple[int, ...] = (1, image_size, image_size)
        for name, layer in network.named_children():
            before = shape
            shape = _shape_after(layer, before)
            parameters = sum(parameter.numel() for parameter in layer.parameters())
            facts.append(
                LayerFacts(
                    name=name,
                    type=type(layer).__name__,
                    output_shape=shape,
                    parameters=parameters,
                    formula=f"{_terms(layer)} = {parameters}" if parameters else None,
                    multiply_accumulates=_multiply_accumulates(layer, shape),
                    affine=_is_affine(layer),
                    dense_equivalent=_dense_equivalent(layer, before, shape) if isinstance(layer, nn.Conv2d) else None,
                )
            )
    return tuple(facts)


def _shape_after(layer: nn.Module, before: tuple[int, ...]) -> tuple[int, ...]:
    """Of one image's values behind the layer.

    Only what is not known here is run on `meta`: for that torch imports its compiler and sympy, some 90 MB.
    """
    match layer:
        case nn.Linear(out_features=outputs):
            return (*before[:-1], outputs)
        case nn.Conv2d(out_channels=channels):
            return channels, _places(layer, 0, before[1]), _places(layer, 1, before[2])
        case nn.MaxPool2d() | nn.AvgPool2d():
            return (before[0], *layer(torch.zeros(1, *before[1:])).shape[1:])
        case nn.Flatten(start_dim=1, end_dim=-1):
            return (prod(before),)
        case _ if isinstance(layer, _KEEPING) or activations.notation(layer) is not None:
            return before
        case _:
            values = layer(torch.empty((1, *before), device="meta"))
            return tuple(values.shape[1:])


def _places(layer: nn.Conv2d, axis: int, inputs: int) -> int:
    """How many the kernel takes along one axis of so many inputs."""
    if layer.padding == "same":
        return inputs
    padding = 0 if isinstance(layer.padding, str) else layer.padding[axis]
    reach = layer.dilation[axis] * (layer.kernel_size[axis] - 1) + 1
    return (inputs + 2 * padding - reach) // layer.stride[axis] + 1


def _terms(layer: nn.Module) -> str:
    """The left side of the formula: inputs of one unit, plus one for its bias, times units."""
    match layer:
        case nn.Conv2d(kernel_size=(height, width), in_channels=inputs, out_channels=units, groups=groups):
            window = f"{height}*{width}*{inputs // groups}"
            return f"{window}*{units}" if layer.bias is None else f"({window}+1)*{units}"
        case nn.Linear(in_features=inputs, out_features=units):
            return f"{inputs}*{units}" if layer.bias is None else f"({inputs}+1)*{units}"
        case nn.BatchNorm1d(num_features=features) | nn.BatchNorm2d(num_features=features):
            return f"2*{features}"
        case _:
            return " + ".join("*".join(map(str, parameter.shape or (1,))) for parameter in layer.parameters())


def _multiply_accumulates(layer: nn.Module, output_shape: tuple[int, ...]) -> int:
    """Each weight of a dense layer is used once an image, each of a convolution once an output pixel."""
    match layer:
        case nn.Conv2d():
            return layer.weight.numel() * prod(output_shape[1:])
        case nn.Linear():
            return layer.weight.numel()
        case _:
            return 0


def _is_affine(layer: nn.Module) -> bool:
    """In evaluation, where dropout does nothing and batch normalisation uses what it has gathered."""
    match layer:
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return layer.track_running_stats
        case nn.Linear() | nn.Conv2d() | nn.AvgPool2d() | nn.Flatten() | nn.Identity() | nn.Dropout():
            return True
        case _:
            return False


def _dense_equivalent(layer: nn.Conv2d, before: tuple[int, ...], after: tuple[int, ...]) -> DenseEquivalent:
    inputs, outputs = prod(before), prod(after)
    biased = layer.bias is not None
    dense = (inputs + biased) * outputs
    seen = prod(_taps(layer, axis, before[1 + axis], after[1 + axis]) for axis in (0, 1))
    return DenseEquivalent(
        inputs=inputs,
        outputs=outputs,
        parameters=dense,
        formula=f"({inputs}+1)*{outputs} = {dense}" if biased else f"{inputs}*{outputs} = {dense}",
        connections=seen * (layer.in_channels // layer.groups) * layer.out_channels,
        sharing_factor=dense / sum(parameter.numel() for parameter in layer.parameters()),
    )


def _taps(layer: nn.Conv2d, axis: int, inputs: int, outputs: int) -> int:
    """How often the kernel meets an input on its way along one axis: padding with zeros is none."""
    width, stride, dilation = layer.kernel_size[axis], layer.stride[axis], layer.dilation[axis]
    if layer.padding_mode != "zeros":
        return width * outputs
    if isinstance(layer.padding, str):
        padding = dilation * (width - 1) // 2 if layer.padding == "same" else 0
    else:
        padding = layer.padding[axis]
    starts = range(-padding, outputs * stride - padding, stride)
    return sum(0 <= start + tap * dilation < inputs for start in starts for tap in range(width))
