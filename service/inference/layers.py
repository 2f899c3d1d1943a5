"""A network layer by layer, and which of its layers a client may name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from service.domain.field_errors import nearest_first
from service.errors import FieldError, InvalidSpecError

if TYPE_CHECKING:
    import torch
    from torch import nn

    Weighted = nn.Conv2d | nn.Linear


@dataclass(frozen=True, eq=False)
class Step:
    """One layer at work on one image; its tensors have a batch of one in front."""

    name: str
    layer: "nn.Module"
    given: "torch.Tensor"
    output: "torch.Tensor"

    @property
    def values(self) -> np.ndarray:
        """What it gives, `(channels, height, width)` or `(features,)`."""
        values: np.ndarray = self.output[0].numpy()
        return values


def trace(network: "nn.Sequential", batch: "torch.Tensor") -> tuple[Step, ...]:
    """Each layer of the network in turn on a batch of one; the last one's output are the logits."""
    import torch

    steps = []
    with torch.inference_mode():
        values = batch
        for name, layer in network.named_children():
            given, values = values, layer(values)
            steps.append(Step(name=name, layer=layer, given=given, output=values))
    return tuple(steps)


def laid_out(steps: Sequence[Step], name: str) -> tuple[int, ...] | None:
    """The shape, `(channels, height, width)`, that the named layer's input had before it was flattened.

    None where the layer is given no flattened image, but units or maps.
    """
    from torch import nn

    shape: tuple[int, ...] | None = None
    for step in steps:
        if step.name == name:
            break
        if isinstance(step.layer, nn.Flatten):
            shape = tuple(step.given.shape[1:])
        elif not isinstance(step.layer, nn.Dropout | nn.Identity):
            shape = None
    return shape if shape is not None and len(shape) == 3 else None


def weighted(network: "nn.Sequential") -> dict[str, "Weighted"]:
    """The convolutions and dense layers by name, in order."""
    from torch import nn

    return {name: layer for name, layer in network.named_children() if isinstance(layer, nn.Conv2d | nn.Linear)}


def choose(name: str, allowed: Sequence[str]) -> str:
    """The name itself; `InvalidSpecError` where it is none of these, which lists them, the nearest first."""
    if name not in allowed:
        detail = f"unknown layer {name[:60]!r}; allowed: {nearest_first(name, allowed)}"
        raise wrong_parameter("layer", detail, "unknown_name")
    return name


def within(name: str, value: int, count: int) -> int:
    """The value itself where it is one of 0 to `count` - 1; else `InvalidSpecError` about the parameter."""
    if not 0 <= value < count:
        raise wrong_parameter(name, "must be 0" if count == 1 else f"must be between 0 and {count - 1}")
    return value


def wrong_parameter(name: str, detail: str, code: str = "out_of_range") -> InvalidSpecError:
    """The error of one query parameter."""
    return InvalidSpecError((FieldError(pointer=f"#/query/{name}", detail=detail, code=code),))
