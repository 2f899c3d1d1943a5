"""3x3 convolutions with a quarter of the multiplications, and max pooling while their tiles are still in the cache.

Winograd's minimal filtering: a tile of 4x4 outputs is a product of polynomials, and comes from 36 products of
transformed inputs and weights instead of 144. The same numbers up to rounding, which is some three times that of the
usual order of summation. Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, whose
transforms are for the points 0, 1, -1, 2, -2 and infinity; those taken here round half as much.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

TILE, WINDOW = 4, 6
"""Pixels a side of a tile of outputs, and of the inputs that it is made of."""
POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
"""Where the polynomials are evaluated, infinity besides."""
TILES_AT_ONCE = 288
"""A thread: so many, and all that becomes of them, stay in the cache."""
FEWEST_INPUTS, FEWEST_UNITS = 32, 64
"""A channel is transformed once, but multiplied with each of the other side: with fewer of them it does not pay."""

_aten = torch.ops.aten


def pays(layer: nn.Conv2d) -> bool:
    """True for a convolution that is quicker so, on a processor and for images that tiles fill."""
    return (
        layer.kernel_size == (3, 3)
        and layer.stride == layer.dilation == (1, 1)
        and layer.padding in ((0, 0), (1, 1))
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and layer.in_channels >= FEWEST_INPUTS
        and layer.out_channels >= FEWEST_UNITS
    )


class TiledConvolution(nn.Module):
    """A convolution that `pays`, with its own parameters, and with `pooled` the 2x2 max pooling that follows it."""

    def __init__(self, convolution: nn.Conv2d, *, pooled: bool) -> None:
        super().__init__()
        self.convolution, self.pooled = convolution, pooled

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """`(batch, channels, height, width)` to the like; in the usual way where tiles would stand over the edge."""
        layer = self.convolution
        padding = int(layer.padding[0])
        if any((side + 2 * padding - 2) % TILE for side in values.shape[2:]):
            usual = layer(values)
            return functional.max_pool2d(usual, 2) if self.pooled else usual
        shape = _Shape(
            images=len(values),
            channels=layer.in_channels,
            units=layer.out_channels,
            rows=(values.shape[2] + 2 * padding - 2) // TILE,
            columns=(values.shape[3] + 2 * padding - 2) // TILE,
            padding=padding,
            side=TILE // 2 if self.pooled else TILE,
        )
        tiled: torch.Tensor = _Tiled.apply(values, layer.weight, layer.bias, shape)  # type: ignore[no-untyped-call]  # torch's stubs have no types for it
        return tiled


class _Shape(NamedTuple):
    images: int
    channels: int
    units: int
    rows: int
    columns: int
    """Of tiles, as are the rows."""
    padding: int
    side: int
    """Of a tile as it leaves: half of it where it is pooled."""

    @property
    def pooled(self) -> bool:
        return self.side < TILE

    def parts(self) -> Iterator[tuple[int, int]]:
        """Stretches of images that are worked on together."""
        size = max(1, TILES_AT_ONCE * torch.get_num_threads() // (self.rows * self.columns))
        return ((start, min(start + size, self.images)) for start in range(0, self.images, size))


class _Tiled(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        values: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        shape: _Shape,
    ) -> torch.Tensor:
        if shape.padding:
            values = functional.pad(values, [shape.padding] * 4)
        windows = values.permute(0, 2, 3, 1).unfold(1, WINDOW, TILE).unfold(2, WINDOW, TILE).permute(4, 5, 0, 1, 2, 3)
        filters = (_FILTERS @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(-1, shape.channels, shape.units)
        shift = values.new_zeros(shape.units) if bias is None else bias
        outputs = values.new_empty(shape.images, shape.rows, shape.side, shape.columns, shape.side, shape.units)
        kept: list[torch.Tensor] = []
        for start, end in shape.parts():
            inputs = (_INPUTS @ windows[:, :, start:end].reshape(WINDOW**2, -1)).view(WINDOW**2, -1, shape.channels)
            tiles = (_OUTPUTS @ torch.bmm(inputs, filters).view(WINDOW**2, -1)).view(TILE, TILE, -1)
            kept.append(inputs)
            if shape.pooled:
                largest, places = _aten.max_pool2d_with_indices(_as_image(tiles), [2, 2])
                tiles = largest.permute(0, 2, 3, 1)
                kept.append(places)
            tiles = tiles.view(shape.side, shape.side, end - start, shape.rows, shape.columns, shape.units)
            torch.add(tiles.permute(2, 3, 0, 4, 1, 5), shift, out=outputs[start:end])
        ctx.save_for_backward(filters, *kept)
        ctx.shape, ctx.biased = shape, bias is not None
        return outputs.view(shape.images, shape.rows * shape.side, -1, shape.units).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        shape: _Shape = ctx.shape
        filters, *kept = ctx.saved_tensors
        outer = gradients[0].view(shape.images, shape.units, shape.rows, shape.side, shape.columns, shape.side)
        outer = outer.permute(3, 5, 0, 2, 4, 1)
        filter_gradient = torch.zeros_like(filters)
        # A row and a column of tiles more than there are: the windows of the last ones end in them.
        inner = outer.new_empty(shape.images, shape.rows + 1, TILE, shape.columns + 1, TILE, shape.channels)
        for start, end in shape.parts():
            tiles = outer[:, :, start:end].reshape(shape.side, shape.side, -1)
            inputs = kept.pop(0)
            if shape.pooled:
                tiles = _before_pooling(tiles, kept.pop(0))
            products = (_OUTPUTS.T @ tiles.view(TILE**2, -1)).view(WINDOW**2, -1, shape.units)
            filter_gradient.baddbmm_(inputs.transpose(1, 2), products)
            windows = _INPUTS.T @ torch.bmm(products, filters.transpose(1, 2)).view(WINDOW**2, -1)
            _add_up(
                windows.view(WINDOW, WINDOW, end - start, shape.rows, shape.columns, shape.channels), inner[start:end]
            )
        weight = (_FILTERS.T @ filter_gradient.view(WINDOW**2, -1)).view(3, 3, shape.channels, shape.units)
        bias = gradients[0].sum((0, 2, 3)) if ctx.biased else None
        return _without_border(inner, shape), weight.permute(3, 2, 0, 1), bias, None


def _as_image(tiles: torch.Tensor) -> torch.Tensor:
    """`(height, width, values)` as one image with its channels last, so that all values are pooled at once."""
    return tiles.unsqueeze(0).permute(0, 3, 1, 2)


def _before_pooling(tiles: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The gradient goes where the largest value was."""
    shape = _as_image(tiles.new_empty(TILE, TILE, tiles.shape[2]))
    back: torch.Tensor = _aten.max_pool2d_with_indices_backward(
        _as_image(tiles), shape, [2, 2], [2, 2], [0, 0], [1, 1], False, places
    )
    return back.permute(0, 2, 3, 1)


def _add_up(windows: torch.Tensor, inner: torch.Tensor) -> None:
    """Windows stand four pixels apart and are six wide: their last two rows and columns lie in the next tile's."""
    windows = windows.permute(2, 3, 0, 4, 1, 5)
    inner[:, -1].zero_()
    inner[:, :, :, -1].zero_()
    inner[:, :-1, :, :-1].copy_(windows[:, :, :TILE, :, :TILE])
    inner[:, 1:, :2, :-1] += windows[:, :, TILE:, :, :TILE]
    inner[:, :-1, :, 1:, :2] += windows[:, :, :TILE, :, TILE:]
    inner[:, 1:, :2, 1:, :2] += windows[:, :, TILE:, :, TILE:]


def _without_border(inner: torch.Tensor, shape: _Shape) -> torch.Tensor:
    """The gradient of the images themselves, `(batch, channels, height, width)`."""
    height, width = (TILE * tiles for tiles in (shape.rows + 1, shape.columns + 1))
    whole = inner.view(shape.images, height, width, shape.channels).permute(0, 3, 1, 2)
    start, cut = shape.padding, shape.padding + 2
    return whole[:, :, start : height - cut, start : width - cut]


def _transforms() -> tuple[torch.Tensor, ...]:
    """Of inputs `(36, 36)`, weights `(36, 9)` and products `(16, 36)`: one dimension's for each pair of two.

    Toom and Cook: polynomials are multiplied by their values at points, and Lagrange's polynomials lead back. The
    correlation wanted here is the transpose of that product.
    """
    points = torch.tensor(POINTS, dtype=torch.float64)
    inputs = torch.zeros(WINDOW, WINDOW, dtype=torch.float64)
    weights, outputs = torch.zeros(WINDOW, 3, dtype=torch.float64), torch.zeros(TILE, WINDOW, dtype=torch.float64)
    for number, point in enumerate(points):
        others = torch.cat([points[:number], points[number + 1 :]])
        inputs[number, :-1] = _polynomial(others)
        weights[number] = point ** torch.arange(3) / (point - others).prod()
        outputs[:, number] = point ** torch.arange(TILE)
    inputs[-1] = _polynomial(points)
    weights[-1, -1] = outputs[-1, -1] = 1.0
    return tuple(torch.kron(each, each).float() for each in (inputs, weights, outputs))


def _polynomial(roots: torch.Tensor) -> torch.Tensor:
    """Coefficients of the product of all (x - root), the constant first."""
    coefficients = torch.ones(1, dtype=torch.float64)
    for root in roots:
        coefficients = functional.pad(coefficients, (1, 0)) - root * functional.pad(coefficients, (0, 1))
    return coefficients


_INPUTS, _FILTERS, _OUTPUTS = _transforms()
