"""The catalogue of activations: public name -> torch.nn class. A new one is a line in the table."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import nn


class _Activation(NamedTuple):
    class_name: str
    """In torch.nn; built without arguments, applied element by element."""
    description: str


_ACTIVATIONS = {
    "identity": _Activation("Identity", "x itself: a stack of such layers collapses to one linear layer"),
    "sigmoid": _Activation("Sigmoid", "1 / (1 + exp(-x)), in 0..1"),
    "tanh": _Activation("Tanh", "hyperbolic tangent, in -1..1 and odd"),
    "relu": _Activation("ReLU", "max(0, x)"),
    "leaky_relu": _Activation("LeakyReLU", "x where positive, 0.01 x elsewhere: no unit falls silent for good"),
    "elu": _Activation("ELU", "x where positive, exp(x) - 1 elsewhere"),
    "gelu": _Activation("GELU", "x times the normal distribution function at x"),
    "silu": _Activation("SiLU", "x times sigmoid(x), also called swish"),
    "softplus": _Activation("Softplus", "log(1 + exp(x)), a smooth ReLU"),
}


def names() -> tuple[str, ...]:
    """The public names, in the order they are taught."""
    return tuple(_ACTIVATIONS)


def description(name: str) -> str:
    """One line for the catalogue; ValueError where there is no such activation."""
    return _find(name).description


def module_class(name: str) -> "type[nn.Module]":
    """The class to call without arguments; the first call imports torch. ValueError where there is no such one."""
    activation = _find(name)
    from torch import nn

    found: type[nn.Module] = getattr(nn, activation.class_name)
    return found


def _find(name: str) -> _Activation:
    if name not in _ACTIVATIONS:
        raise ValueError(f"no activation {name!r}; there are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]
