"""The catalogue of architectures: one file each, and the file name is the public name.

An architecture is a module with a class `Options(ArchitectureOptions)` and a function
`build(options, *, activation, image_size, classes)` that returns an `nn.Sequential` of named layers from images
`(batch, 1, image_size, image_size)` to logits `(batch, classes)`. The first line of its docstring describes it.
It imports torch only inside `build`, so that the catalogue can be read without it. A file beginning with `_` is none.
"""

import importlib
import pkgutil
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Protocol, cast

from service import activations
from service.domain.architecture import ArchitectureOptions
from service.domain.ledger import Ledger

if TYPE_CHECKING:
    from torch import nn


class _Architecture(Protocol):
    """What a module in this folder offers."""

    Options: type[ArchitectureOptions]

    def build(
        self, options: ArchitectureOptions, *, activation: "type[nn.Module]", image_size: int, classes: int
    ) -> "nn.Sequential": ...


@cache
def names() -> tuple[str, ...]:
    """The public names, sorted."""
    return tuple(sorted(file.name for file in pkgutil.iter_modules(__path__) if not file.name.startswith("_")))


def options_class(name: str) -> type[ArchitectureOptions]:
    """ValueError where there is no such architecture."""
    return _load(name).Options


def options_classes() -> tuple[type[ArchitectureOptions], ...]:
    """One class an architecture, in the order of `names`; they are told apart by their field `name`."""
    return tuple(options_class(name) for name in names())


def description(name: str) -> str:
    """One line for the catalogue; ValueError where there is no such architecture."""
    return (_load(name).__doc__ or "").partition("\n")[0]


def build(options: ArchitectureOptions, *, activation: str, image_size: int, classes: int) -> "nn.Sequential":
    """A new network in training mode, its weights drawn as torch does by default from torch's global generator.

    Takes images `(batch, 1, image_size, image_size)`, image_size 8..64, and gives logits `(batch, classes)`.
    """
    function = activations.module_class(activation)
    return _load(options.name).build(options, activation=function, image_size=image_size, classes=classes)


def count_parameters(options: ArchitectureOptions, *, activation: str, image_size: int, classes: int) -> int:
    """Trainable parameters of `build`'s network, found without allocating them and whatever their number."""
    network = _build_without_weights(options, activation=activation, image_size=image_size, classes=classes)
    return sum(parameter.numel() for parameter in network.parameters())


@lru_cache(maxsize=256)
def ledger(options: ArchitectureOptions, *, activation: str, image_size: int, classes: int) -> Ledger:
    """What `build`'s network consists of, found without allocating it."""
    from service.architectures._describe import describe
    from service.architectures._function import function

    network = _build_without_weights(options, activation=activation, image_size=image_size, classes=classes)
    layers = describe(network, image_size=image_size)
    return Ledger(
        layers=layers,
        parameters=sum(layer.parameters for layer in layers),
        multiply_accumulates=sum(layer.multiply_accumulates for layer in layers),
        function=function(network, image_size=image_size),
    )


def _build_without_weights(
    options: ArchitectureOptions, *, activation: str, image_size: int, classes: int
) -> "nn.Sequential":
    import torch

    with torch.device("meta"):
        return build(options, activation=activation, image_size=image_size, classes=classes)


def _load(name: str) -> _Architecture:
    if name not in names():
        raise ValueError(f"no architecture {name!r}; there are {', '.join(names())}")
    return cast("_Architecture", importlib.import_module(f"{__name__}.{name}"))
