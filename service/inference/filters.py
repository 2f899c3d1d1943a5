"""A layer's weights cut into images.

A convolution has a tile an output channel: its kernel for one input channel, or the mean over all of them. A dense
layer that sees an image has a tile a unit, laid out as that image; one that sees other units is one tile, its matrix.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from service.domain.filters import Filters, WeightLayer, WeightTile
from service.inference import layers
from service.inference.numbers import extremes, listed, reach, single
from service.inference.subject import Opened

MOST_NUMBERS = 500_000
"""In one answer: the matrix of a wide dense layer is cut off there, a row being a unit."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A layer's tiles, `(tiles, height, width)`, and how they came about."""

    tiles: np.ndarray
    view: str
    channels: int
    channel: int | None
    is_matrix: bool


def describe(opened: Opened, *, layer: str | None, channel: int | None, offset: int, limit: int) -> Filters:
    """The tiles of a layer, by default the first with weights; `InvalidSpecError` where it has not what is asked."""
    import torch

    network = opened.model.network
    found = layers.weighted(network)
    name = next(iter(found)) if layer is None else layers.choose(layer, tuple(found))
    chosen = found[name]
    side = opened.model.manifest.image_size
    steps = layers.trace(network, torch.zeros((1, 1, side, side)))
    sheet = _sheet(chosen, channel, seen=layers.laid_out(steps, name))
    layers.within("offset", offset, len(sheet.tiles))
    bias = None if chosen.bias is None else chosen.bias.detach().numpy()
    last = min(offset + limit, offset + max(1, MOST_NUMBERS // prod(sheet.tiles.shape[1:])), len(sheet.tiles))
    minimum, maximum = extremes(sheet.tiles)
    return Filters(
        experiment_id=opened.experiment_id,
        checkpoint=opened.checkpoint,
        layers=tuple(_facts(each, weighted) for each, weighted in found.items()),
        layer=_facts(name, chosen),
        view=sheet.view,
        channels=sheet.channels,
        channel=sheet.channel,
        total=len(sheet.tiles),
        offset=offset,
        scale=reach(sheet.tiles),
        minimum=minimum,
        maximum=maximum,
        bias=None if bias is None else listed(bias),
        tiles=tuple(
            WeightTile(
                index=None if sheet.is_matrix else at,
                bias=None if sheet.is_matrix or bias is None else single(bias[at]),
                values=listed(sheet.tiles[at][: MOST_NUMBERS // sheet.tiles.shape[2]]),
            )
            for at in range(offset, last)
        ),
    )


def _facts(name: str, layer: "layers.Weighted") -> WeightLayer:
    return WeightLayer(name=name, type=type(layer).__name__, weight_shape=tuple(layer.weight.shape))


def _sheet(layer: "layers.Weighted", channel: int | None, *, seen: tuple[int, ...] | None) -> Sheet:
    """`seen` is the image, `(channels, height, width)`, that a dense layer sees; None where it sees units."""
    from torch import nn

    weight = layer.weight.detach().numpy()
    if isinstance(layer, nn.Linear) and seen is None:
        layers.within("channel", channel or 0, 1)
        rows = min(len(weight), MOST_NUMBERS // weight.shape[1])
        which = "a row a unit" if rows == len(weight) else f"a row each of the first {rows} units"
        return Sheet(weight[None], f"the matrix: {which}, a column an input", 1, None, is_matrix=True)
    stacks = weight.reshape(len(weight), *seen) if isinstance(layer, nn.Linear) and seen else weight
    channels = stacks.shape[1]
    what = "a kernel an output channel" if isinstance(layer, nn.Conv2d) else "a unit's weights, laid out as its input"
    if channels == 1 or channel is not None:
        chosen = layers.within("channel", channel or 0, channels)
        return Sheet(stacks[:, chosen], f"{what}, for input channel {chosen}", channels, chosen, is_matrix=False)
    view = f"{what}, the mean over {channels} input channels"
    return Sheet(stacks.mean(1), view, channels, None, is_matrix=False)
