"""A network as a list of torch.nn's own layers, from which anybody who has torch builds it again without Ardoise."""

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_WHERE = {"device", "dtype"}


def described(network: "nn.Sequential") -> list[tuple[str, str, dict[str, Any]]] | None:
    """Of each layer its name, its class in torch.nn and the arguments that make it; None where one is of another kind.

    `nn.Sequential(OrderedDict((name, getattr(nn, kind)(**arguments)) for name, kind, arguments in described))` is the
    network, up to its weights.
    """
    from torch import nn

    layers = []
    for name, layer in network.named_children():
        kind = next(each for each in type(layer).__mro__ if each.__module__.startswith("torch.nn."))
        arguments = _arguments(layer, kind)
        if kind is nn.Module or [*layer.children()] or arguments is None:
            return None
        layers.append((name, kind.__name__, arguments))
    return layers


def rebuilt(layers: list[tuple[str, str, dict[str, Any]]]) -> "nn.Sequential":
    """The network that is described so, in evaluation mode and with weights of its own."""
    from collections import OrderedDict

    from torch import nn

    made = OrderedDict((name, getattr(nn, kind)(**arguments)) for name, kind, arguments in layers)
    return nn.Sequential(made).eval()


def _arguments(layer: "nn.Module", kind: type) -> dict[str, Any] | None:
    """By the habit of torch.nn, which keeps an argument as the attribute of its name, and a bias that it has as one."""
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in _WHERE or parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        value = getattr(layer, name, inspect.Parameter.empty)
        if name == "bias":
            value = value is not None
        if not isinstance(value, bool | int | float | str | tuple | None):
            return None
        found[name] = value
    return found
