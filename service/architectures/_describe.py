"""Reads a network layer by layer: shapes, parameters and how they come about, multiply-accumulates."""

from math import prod

import torch
from torch import nn

from service.domain.ledger import LayerFacts


def describe(network: nn.Sequential, *, image_size: int) -> tuple[LayerFacts, ...]:
    """The facts of each layer, in order, from one forward pass of a single image.

    The network's own device is used: one built on `meta` allocates nothing. It is left in evaluation mode.
    """
    network.eval()
    device = next(network.parameters()).device
    facts = []
    with torch.inference_mode():
        values = torch.empty((1, 1, image_size, image_size), device=device)
        for name, layer in network.named_children():
            values = layer(values)
            shape = tuple(values.shape[1:])
            parameters = sum(parameter.numel() for parameter in layer.parameters())
            facts.append(
                LayerFacts(
                    name=name,
                    type=type(layer).__name__,
                    output_shape=shape,
                    parameters=parameters,
                    formula=f"{_terms(layer)} = {parameters}" if parameters else None,
                    multiply_accumulates=_multiply_accumulates(layer, shape),
                )
            )
    return tuple(facts)


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
