"""Writes down the function that a network computes, as its layers are one after another.

Matrices of dense layers are W, kernels of convolutions K, biases b; they are numbered in their order where there are
several. A layer that is not known here is written by the name of its class, so that any architecture has its formula.
"""

from typing import NamedTuple

from torch import nn

from service import activations
from service.domain.ledger import Formula, NetworkFunction


class _Expression(NamedTuple):
    """What has been written so far."""

    text: str
    latex: str
    is_sum: bool = False
    """True where a matrix before it needs parentheses."""

    def bracketed(self) -> "_Expression":
        """Fit to stand behind a matrix or a kernel."""
        return _Expression(f"({self.text})", _parentheses(self.latex)) if self.is_sum else self

    def inside(self, name: str, symbol: str) -> "_Expression":
        """Given to a function."""
        return _Expression(f"{name}({self.text})", symbol + _parentheses(self.latex))


def function(network: nn.Sequential, *, image_size: int) -> NetworkFunction:
    """The probabilities as a function of the image."""
    writer = _Writer(network, image_size=image_size)
    for name, layer in network.named_children():
        writer.write(name, layer)
    written = writer.expression.inside("softmax", r"\operatorname{softmax}")
    writer.explain(
        "softmax(z)_k = exp(z_k) / sum_j exp(z_j), the probability of class k; it is part of the loss, and z, the "
        "logits, is what the network itself gives",
        r"\operatorname{softmax}(z)_k = \frac{e^{z_k}}{\sum_j e^{z_j}}",
    )
    return NetworkFunction(text=written.text, latex=written.latex, where=tuple(writer.where))


class _Writer:
    """An expression that grows with each layer, and what its letters stand for."""

    def __init__(self, network: nn.Sequential, *, image_size: int) -> None:
        self.expression = _Expression("x", "x")
        side = image_size
        self.where = [
            Formula(text=f"x: the image, {side}*{side} standardised pixels", latex=rf"x \in \mathbb{{R}}^{{{side**2}}}")
        ]
        self._weighted = self._norms = 0
        self._several = sum(isinstance(layer, nn.Linear | nn.Conv2d) for layer in network) > 1

    def explain(self, text: str, latex: str) -> None:
        """Each is said once."""
        formula = Formula(text=text, latex=latex)
        if formula not in self.where:
            self.where.append(formula)

    def write(self, name: str, layer: nn.Module) -> None:
        """Put the layer around what there is."""
        match layer:
            case nn.Linear():
                self._dense(layer)
            case nn.Conv2d():
                self._convolution(layer)
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                self._batch_norm()
            case nn.Dropout(p=share):
                self._named(
                    f"dropout_{share:g}", rf"\operatorname{{dropout}}_{{{share:g}}}",
                    f"in training each value is 0 with probability {share:g} and divided by {1 - share:g} otherwise; "
                    "after it, z itself",
                )  # fmt: skip
            case nn.MaxPool2d(kernel_size=window, stride=step):
                self._pool("max", "the largest", window, step)
            case nn.AvgPool2d(kernel_size=window, stride=step):
                self._pool("avg", "the mean", window, step)
            case nn.Flatten():
                if self.expression.text != "x":
                    self._named("flatten", r"\operatorname{vec}", "all values one after another as one vector")
            case _:
                self._elementwise(name, layer)

    def _dense(self, layer: nn.Linear) -> None:
        matrix, bias = self._next("W")
        shape = (layer.out_features, layer.in_features)
        operand = self.expression.bracketed()
        gap = "" if len(matrix.text) + len(operand.text) == 2 else " "  # Wx, but W1 x
        self._product(f"{matrix.text}{gap}{operand.text}", f"{matrix.latex} {operand.latex}", bias, layer.bias)
        self._weights(matrix, bias, layer.bias, shape, f"a matrix of {shape[0]}*{shape[1]} weights")

    def _convolution(self, layer: nn.Conv2d) -> None:
        kernel, bias = self._next("K")
        stride = layer.stride[0]
        star, latex_star = ("*", "*") if stride == 1 else (f"*_{stride}", rf"*_{{{stride}}}")
        operand = self.expression.bracketed()
        self._product(
            f"{kernel.text} {star} {operand.text}", f"{kernel.latex} {latex_star} {operand.latex}", bias, layer.bias
        )
        height, width = layer.kernel_size
        maps = layer.in_channels // layer.groups
        step = "" if stride == 1 else f", moved in steps of {stride}"
        plural = "" if maps == 1 else "s"
        border = f", over a border padded by {layer.padding}" if isinstance(layer.padding, str) else ""
        if not border and any(layer.padding):
            border = f", over a border of {layer.padding[0]}"
        self._weights(
            kernel, bias, layer.bias, (layer.out_channels, maps, height, width),
            f"{layer.out_channels} kernels of {height}*{width} on {maps} map{plural}{step}{border}",
        )  # fmt: skip
        places, step = ("every place in turn", "") if stride == 1 else (f"places {stride} apart", str(stride))
        self.explain(
            f"{star}: the kernel laid on {places}, products summed (without mirroring it, as is usual here)",
            rf"(K {latex_star} z)_{{o,i,j}} = \sum_{{c,u,v}} K_{{o,c,u,v}}\, z_{{c,{step}i+u,{step}j+v}}",
        )

    def _batch_norm(self) -> None:
        self._norms += 1
        n = self._norms
        self.expression = self.expression.inside(f"batchnorm_{n}", rf"\operatorname{{BN}}_{{{n}}}")
        self.explain(
            f"batchnorm_{n}(z) = gamma_{n} (z - mean_{n}) / sqrt(variance_{n} + epsilon) + beta_{n} "
            "for each unit or map, in training with mean and variance of the batch, after it with those gathered",
            rf"\operatorname{{BN}}_{{{n}}}(z) = \gamma_{{{n}}} \frac{{z - \mu_{{{n}}}}}"
            rf"{{\sqrt{{\sigma_{{{n}}}^2 + \varepsilon}}}} + \beta_{{{n}}}",
        )

    def _pool(self, kind: str, which: str, window: int | tuple[int, int], step: int | tuple[int, int]) -> None:
        sizes = window if isinstance(window, tuple) else (window, window)
        size = f"{sizes[0]}" if sizes[0] == sizes[1] else f"{sizes[0]}x{sizes[1]}"
        moved = "" if step == window else f", moved in steps of {step}"
        symbol = rf"\operatorname{{{kind}pool}}_{{{size}}}"
        self._named(f"{kind}pool_{size}", symbol, f"{which} of each window of {sizes[0]}*{sizes[1]}{moved}")

    def _elementwise(self, name: str, layer: nn.Module) -> None:
        notation = activations.notation(layer)
        if notation is None:
            kind = type(layer).__name__
            self._named(kind.lower(), rf"\operatorname{{{kind.lower()}}}", f"torch.nn.{kind}, the layer {name}")
            return
        if notation.text == "z":
            self.explain("the activation is z itself and is not written", r"f(z) = z")
            return
        self.expression = self.expression.inside(notation.name, notation.symbol)
        if notation.text and notation.latex:
            self.explain(f"{notation.name}(z) = {notation.text}", f"{notation.symbol}(z) = {notation.latex}")

    def _named(self, name: str, symbol: str, meaning: str) -> None:
        self.expression = self.expression.inside(name, symbol)
        escaped = meaning.replace("_", r"\_")
        self.explain(f"{name}(z): {meaning}", rf"{symbol}(z)\text{{: {escaped}}}")

    def _next(self, letter: str) -> tuple[Formula, Formula]:
        self._weighted += 1
        return self._numbered(letter), self._numbered("b")

    def _numbered(self, letter: str) -> Formula:
        if not self._several:
            return Formula(text=letter, latex=letter)
        return Formula(text=f"{letter}{self._weighted}", latex=f"{letter}_{{{self._weighted}}}")

    def _product(self, text: str, latex: str, bias: Formula, values: object) -> None:
        biased = values is not None
        ends = (f" + {bias.text}", f" + {bias.latex}") if biased else ("", "")
        self.expression = _Expression(text + ends[0], latex + ends[1], is_sum=biased or "*" in text.partition("(")[0])

    def _weights(self, letter: Formula, bias: Formula, values: object, shape: tuple[int, ...], meaning: str) -> None:
        biased = values is not None
        size = r" \times ".join(map(str, shape))
        self.explain(
            f"{letter.text}: {meaning}" + (f"; {bias.text}: {shape[0]} biases" if biased else ""),
            rf"{letter.latex} \in \mathbb{{R}}^{{{size}}}"
            + (rf",\ {bias.latex} \in \mathbb{{R}}^{{{shape[0]}}}" if biased else ""),
        )


def _parentheses(latex: str) -> str:
    return rf"\left({latex}\right)"
