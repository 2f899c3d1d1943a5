"""The layers of a network in an order, and in forms, that are quicker and compute the same."""

from typing import NamedTuple

import torch
from torch import nn

from workers import winograd
from workers.dropout import Dropout
from workers.team import Meeting
from workers.together import BatchNorm

MONOTONE = (nn.Identity, nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Softplus)
"""Activations that never fall: the largest of four values stays the largest."""
ELEMENTWISE = (*MONOTONE, nn.GELU, nn.SiLU, nn.Dropout)
"""Layers that treat each value alike, wherever it stands."""


class Share(NamedTuple):
    """What one thread's layers need that work on a share of each batch."""

    number: int
    meeting: Meeting
    generator: torch.Generator
    """Of its dropout."""


def rearrange(network: nn.Sequential, *, tiled: bool, share: Share | None = None) -> nn.Sequential:
    """Layers for the network's own parameters, whose mode follows their own `train` and `eval`, not the network's.

    An activation is taken after max pooling, on a quarter of the values, and after flattening, which then brings the
    channels to the front where there are the fewest. On a processor dropout has cheaper random numbers, and with
    `tiled` large 3x3 convolutions have fewer multiplications. With `share` the layers are one thread's.
    """
    layers = _swapped(list(network), MONOTONE, nn.MaxPool2d)
    if next(network.parameters()).device.type == "cpu":
        layers = _swapped(layers, ELEMENTWISE, nn.Flatten)
        layers = [_on_a_processor(layer, share) for layer in layers]
        layers = _tiled(layers) if tiled else layers
    return nn.Sequential(*layers)


class Flatten(nn.Module):
    """nn.Flatten whose gradient has its channels last, as the layers below have theirs: none of them copies it."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """`(batch, channels, height, width)` to `(batch, features)`."""
        if values.requires_grad and values.dim() == 4:
            values.register_hook(_channels_last)  # type: ignore[no-untyped-call]  # torch's stubs have no types for it
        return values.flatten(1)


def _channels_last(gradient: torch.Tensor) -> torch.Tensor:
    return gradient.contiguous(memory_format=torch.channels_last)


def _swapped(layers: list[nn.Module], early: tuple[type[nn.Module], ...], late: type[nn.Module]) -> list[nn.Module]:
    """Each of the late kind before all of the early kinds that stand right in front of it."""
    ordered: list[nn.Module] = []
    for layer in layers:
        place = len(ordered)
        while isinstance(layer, late) and place and type(ordered[place - 1]) in early:
            place -= 1
        ordered.insert(place, layer)
    return ordered


def _on_a_processor(layer: nn.Module, share: Share | None) -> nn.Module:
    if type(layer) is nn.Dropout:
        return Dropout(layer.p, share.generator if share else None)
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and share:
        return BatchNorm(layer, share.meeting, share=share.number)
    return Flatten() if type(layer) is nn.Flatten else layer


def _tiled(layers: list[nn.Module]) -> list[nn.Module]:
    ordered: list[nn.Module] = []
    for layer in layers:
        before = ordered[-1] if ordered else None
        if isinstance(before, winograd.TiledConvolution) and _halves_by_maxima(layer):
            ordered[-1] = winograd.TiledConvolution(before.convolution, pooled=True)
        elif isinstance(layer, nn.Conv2d) and winograd.pays(layer):
            ordered.append(winograd.TiledConvolution(layer, pooled=False))
        else:
            ordered.append(layer)
    return ordered


def _halves_by_maxima(layer: nn.Module) -> bool:
    return isinstance(layer, nn.MaxPool2d) and layer.kernel_size == layer.stride == 2 and not layer.padding
