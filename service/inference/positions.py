"""One number of a layer taken apart: the patch that it sees, times its kernel, plus its bias."""

from typing import TYPE_CHECKING, cast

import numpy as np

from service.domain.feature_maps import Position
from service.inference import layers
from service.inference.layers import Step
from service.inference.numbers import listed, single
from service.inference.subject import Subject

if TYPE_CHECKING:
    from torch import nn

MOST_INPUTS = 100_000
"""Of one number: a dense layer after wide maps has more than an answer should hold three times."""


def describe(subject: Subject, *, layer: str | None, map: int, row: int, column: int) -> Position:  # noqa: A002  # as in the query
    """The number at this place; `InvalidSpecError` where there is no such layer or place, or it has too many inputs.

    By default of the first layer with weights. Added up in double precision, which the network's own order of
    summation agrees with up to rounding.
    """
    steps = layers.trace(subject.model.network, subject.batch())
    found = layers.weighted(subject.model.network)
    name = next(iter(found)) if layer is None else layers.choose(layer, tuple(found))
    at = next(number for number, step in enumerate(steps) if step.name == name)
    step = steps[at]
    shape = step.values.shape
    places = (map, row, column)
    for parameter, place, count in zip(("map", "row", "column"), places, (*shape, 1, 1)[:3], strict=True):
        layers.within(parameter, place, count)
    if (inputs := found[name].weight[0].numel()) > MOST_INPUTS:
        detail = f"a unit of {name} has {inputs:,} inputs; at most {MOST_INPUTS:,} are answered"
        raise layers.wrong_parameter("layer", detail, "too_large")
    patch, kernel, corner = _dense(steps, at, map) if len(shape) == 1 else _convolution(step, map, row, column)
    products = patch.astype(np.float64) * kernel
    bias = found[name].bias
    total = products.sum() + (0.0 if bias is None else float(bias[map].detach()))
    value = float(step.values[places[: len(shape)]])
    return Position(
        **subject.looked(),
        layer=name,
        type=type(step.layer).__name__,
        map=map,
        row=row,
        column=column,
        corner=corner,
        input_shape=tuple(step.given.shape[1:]),
        output_shape=shape,
        patch=listed(patch),
        kernel=listed(kernel),
        products=listed(products),
        bias=None if bias is None else float(bias[map].detach()),
        sum=single(total),
        value=single(value),
        difference=single(total - value),
        then=_then(steps[at + 1 :], places[: len(shape)], shape),
    )


def _dense(steps: tuple[Step, ...], at: int, unit: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    given = steps[at].given[0].numpy()
    shape = layers.laid_out(steps, steps[at].name) or (1, 1, len(given))
    layer = cast("nn.Linear", steps[at].layer)
    return given.reshape(shape), layer.weight[unit].detach().numpy().reshape(shape), (0, 0)


def _convolution(step: Step, map: int, row: int, column: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:  # noqa: A002
    layer = cast("nn.Conv2d", step.layer)
    given, kernel = step.given[0].numpy(), layer.weight[map].detach().numpy()
    group = map // (layer.out_channels // layer.groups)
    given = given[group * len(kernel) :][: len(kernel)]
    starts = [place * layer.stride[axis] - _padding(layer, axis) for axis, place in enumerate((row, column))]
    patch = np.zeros_like(kernel)
    for y, x in np.ndindex(*kernel.shape[1:]):
        down, across = starts[0] + y * layer.dilation[0], starts[1] + x * layer.dilation[1]
        if 0 <= down < given.shape[1] and 0 <= across < given.shape[2]:
            patch[:, y, x] = given[:, down, across]
    return patch, kernel, (starts[0], starts[1])


def _padding(layer: "nn.Conv2d", axis: int) -> int:
    """Rows of zeros above, or columns to the left."""
    if layer.padding == "valid":
        return 0
    if layer.padding == "same":
        return layer.dilation[axis] * (layer.kernel_size[axis] - 1) // 2
    return int(layer.padding[axis])


def _then(following: tuple[Step, ...], place: tuple[int, ...], shape: tuple[int, ...]) -> dict[str, float | None]:
    """The same place in the layers after it, up to the first that mixes numbers, moves or has weights on them."""
    from torch import nn

    mixing = nn.Conv2d | nn.Linear | nn.Flatten | nn.MaxPool2d | nn.AvgPool2d
    values = {}
    for step in following:
        if isinstance(step.layer, mixing) or step.values.shape != shape:
            break
        values[step.name] = single(float(step.values[place]))
    return values
