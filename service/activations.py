"""The catalogue of activations: public name -> torch.nn class. A new one is a line in the table."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import nn


class _Activation(NamedTuple):
    class_name: str
    """In torch.nn; built without arguments, applied element by element."""
    description: str
    text: str | None = None
    """Its value at z, in plain text; None: its name alone stands in formulas."""
    latex: str | None = None
    symbol: str | None = None
    """What LaTeX calls the function; None: its public name."""


_ACTIVATIONS = {
    "identity": _Activation("Identity", "x itself: a stack of such layers collapses to one linear layer", "z", "z"),
    "sigmoid": _Activation(
        "Sigmoid", "1 / (1 + exp(-x)), in 0..1", "1 / (1 + exp(-z))", r"\frac{1}{1 + e^{-z}}", r"\sigma"
    ),
    "tanh": _Activation(
        "Tanh",
        "hyperbolic tangent, in -1..1 and odd",
        "(exp(z) - exp(-z)) / (exp(z) + exp(-z))",
        r"\frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}",
        r"\tanh",
    ),
    "relu": _Activation("ReLU", "max(0, x)", "max(0, z)", r"\max(0, z)"),
    "leaky_relu": _Activation(
        "LeakyReLU",
        "x where positive, 0.01 x elsewhere: no unit falls silent for good",
        "max(0.01 z, z)",
        r"\max(0.01 z, z)",
    ),
    "elu": _Activation(
        "ELU",
        "x where positive, exp(x) - 1 elsewhere",
        "max(0, z) + min(0, exp(z) - 1)",
        r"\max(0, z) + \min(0, e^{z} - 1)",
    ),
    "gelu": _Activation(
        "GELU",
        "x times the normal distribution function at x",
        "z (1 + erf(z / sqrt(2))) / 2",
        r"\frac{z}{2} \left(1 + \operatorname{erf}\frac{z}{\sqrt{2}}\right)",
    ),
    "silu": _Activation("SiLU", "x times sigmoid(x), also called swish", "z / (1 + exp(-z))", r"\frac{z}{1 + e^{-z}}"),
    "softplus": _Activation("Softplus", "log(1 + exp(x)), a smooth ReLU", "log(1 + exp(z))", r"\log(1 + e^{z})"),
}


class Notation(NamedTuple):
    """How an activation is written."""

    name: str
    """In plain text: its public name."""
    symbol: str
    """In LaTeX."""
    text: str | None
    """Its value at z; None where the table has no formula."""
    latex: str | None


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


def notation(layer: "nn.Module") -> Notation | None:
    """How the layer is written where it is one of these; None where it is none."""
    for name, each in _ACTIVATIONS.items():
        if type(layer).__name__ == each.class_name:
            escaped = name.replace("_", r"\_")
            symbol = each.symbol or rf"\operatorname{{{escaped}}}"
            return Notation(name, symbol, each.text, each.latex)
    return None


def _find(name: str) -> _Activation:
    if name not in _ACTIVATIONS:
        raise ValueError(f"no activation {name!r}; there are {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]
