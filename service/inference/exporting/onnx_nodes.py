"""What each kind of layer is in ONNX: the table that export goes by. A new kind is a line or a small function in it.

Operators are those of operator set 17, which ONNX Runtime has known since 1.12 (2022); a function that came later, such
as Gelu in 20, is written out in them. https://onnx.ai/onnx/operators/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import UnexportableError

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto
    from torch import nn

OPSET = 17


@dataclass
class Sketch:
    """A graph in the making. Every value is named after the layer that it comes from."""

    nodes: "list[NodeProto]" = field(default_factory=list)
    constants: "list[TensorProto]" = field(default_factory=list)

    def add(self, operator: str, *inputs: str, name: str, **attributes: Any) -> str:
        """A node and its one output, which have the same name; the name."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: Any) -> str:
        """A tensor that the graph holds; the name."""
        from onnx import numpy_helper

        array = np.ascontiguousarray(value.detach().numpy() if hasattr(value, "detach") else value, dtype=np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def layers(self, network: "nn.Sequential", values: str, *, prefix: str = "") -> str:
        """All layers of a network in turn, from the value of this name to the one that is returned."""
        for name, layer in network.named_children():
            values = self._layer(layer, values, prefix + name)
        return values

    def _layer(self, layer: "nn.Module", values: str, name: str) -> str:
        from torch import nn

        if isinstance(layer, nn.Sequential):
            return self.layers(layer, values, prefix=f"{name}.")
        # A subclass, such as our own batch normalisation, is taken for what it is derived from: parity is checked.
        for kind in type(layer).__mro__:
            write = WRITERS.get(kind.__name__) if kind.__module__.startswith("torch.nn.") else None
            if write is not None:
                return write(self, layer, values, name)
        raise UnexportableError(
            f"layer {name} is a {type(layer).__name__}, for which there is no ONNX operator here; "
            "the formats safetensors and pt2 take any layer"
        )


Layer = Any
"""A module of torch; each writer knows which."""
Writer = Callable[[Sketch, Layer, str, str], str]


def _each(operator: str, attributes: Mapping[str, str | float] | None = None) -> Writer:
    """Element by element: one operator, its attributes numbers or the names of the layer's own."""

    def write(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
        given = {
            key: getattr(layer, value) if isinstance(value, str) else value for key, value in (attributes or {}).items()
        }
        return sketch.add(operator, values, name=name, **given)

    return write


def _nothing(sketch: Sketch, layer: Layer, values: str, name: str) -> str:  # noqa: ARG001 - a Writer
    return values


def _linear(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
    return sketch.add("Gemm", values, *_weights(sketch, layer, name, "weight", "bias"), name=name, transB=1)


def _convolution(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise _refused(name, f"padding={layer.padding!r}, padding_mode={layer.padding_mode!r}")
    weights = _weights(sketch, layer, name, "weight", "bias")
    return sketch.add(
        "Conv", values, *weights, name=name, kernel_shape=[*layer.kernel_size], strides=[*layer.stride],
        pads=[*layer.padding] * 2, dilations=[*layer.dilation], group=layer.groups,
    )  # fmt: skip


def _batch_norm(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
    if not layer.affine or layer.running_mean is None:
        raise _refused(name, f"affine={layer.affine}, track_running_stats={layer.track_running_stats}")
    weights = _weights(sketch, layer, name, "weight", "bias", "running_mean", "running_var")
    return sketch.add("BatchNormalization", values, *weights, name=name, epsilon=layer.eps)


def _pool(operator: str) -> Writer:
    def write(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
        given: dict[str, Any] = {"kernel_shape": _pair(layer.kernel_size), "strides": _pair(layer.stride)}
        given |= {"pads": _pair(layer.padding) * 2, "ceil_mode": int(layer.ceil_mode)}
        if operator == "MaxPool":
            given["dilations"] = _pair(layer.dilation)
        elif layer.divisor_override is None:
            given["count_include_pad"] = int(layer.count_include_pad)
        else:
            raise _refused(name, f"divisor_override={layer.divisor_override}")
        return sketch.add(operator, values, name=name, **given)

    return write


def _pool_to_one(operator: str) -> Writer:
    def write(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
        if _pair(layer.output_size) != [1, 1]:
            raise _refused(name, f"output_size={layer.output_size}")
        return sketch.add(operator, values, name=name)

    return write


def _flatten(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise _refused(name, f"start_dim={layer.start_dim}, end_dim={layer.end_dim}")
    return sketch.add("Flatten", values, name=name, axis=1)


def _softplus(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
    if layer.beta != 1:
        raise _refused(name, f"beta={layer.beta}")
    return sketch.add("Softplus", values, name=name)


def _silu(sketch: Sketch, layer: Layer, values: str, name: str) -> str:  # noqa: ARG001 - a Writer
    return sketch.add("Mul", values, sketch.add("Sigmoid", values, name=f"{name}.sigmoid"), name=name)


def _mish(sketch: Sketch, layer: Layer, values: str, name: str) -> str:  # noqa: ARG001 - a Writer
    softplus = sketch.add("Softplus", values, name=f"{name}.softplus")
    return sketch.add("Mul", values, sketch.add("Tanh", softplus, name=f"{name}.tanh"), name=name)


def _gelu(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
    """`x (1 + erf(x / sqrt 2)) / 2`, or Hendrycks and Gimpel's tanh in its place (arXiv:1606.08415)."""
    one, half = sketch.constant(f"{name}.one", 1.0), sketch.constant(f"{name}.half", 0.5)
    if layer.approximate == "none":
        scaled = sketch.add("Mul", values, sketch.constant(f"{name}.scale", sqrt(0.5)), name=f"{name}.scaled")
        bent = sketch.add("Erf", scaled, name=f"{name}.erf")
    else:
        square = sketch.add("Mul", values, values, name=f"{name}.square")
        cube = sketch.add("Mul", square, values, name=f"{name}.cube")
        small = sketch.add("Mul", cube, sketch.constant(f"{name}.share", 0.044715), name=f"{name}.small")
        inner = sketch.add("Add", values, small, name=f"{name}.inner")
        scaled = sketch.add("Mul", inner, sketch.constant(f"{name}.scale", sqrt(2 / pi)), name=f"{name}.scaled")
        bent = sketch.add("Tanh", scaled, name=f"{name}.tanh")
    gate = sketch.add("Mul", sketch.add("Add", bent, one, name=f"{name}.shifted"), half, name=f"{name}.gate")
    return sketch.add("Mul", values, gate, name=name)


def _clip(lowest: str | float, highest: str | float) -> Writer:
    def write(sketch: Sketch, layer: Layer, values: str, name: str) -> str:
        bounds = [getattr(layer, each) if isinstance(each, str) else each for each in (lowest, highest)]
        low, high = (sketch.constant(f"{name}.{at}", bound) for at, bound in zip(("low", "high"), bounds, strict=True))
        return sketch.add("Clip", values, low, high, name=name)

    return write


WRITERS: Mapping[str, Writer] = {
    "Linear": _linear,
    "Conv2d": _convolution,
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "MaxPool2d": _pool("MaxPool"),
    "AvgPool2d": _pool("AveragePool"),
    "AdaptiveMaxPool2d": _pool_to_one("GlobalMaxPool"),
    "AdaptiveAvgPool2d": _pool_to_one("GlobalAveragePool"),
    "Flatten": _flatten,
    "Dropout": _nothing,
    "Dropout2d": _nothing,
    "Identity": _nothing,
    "Sigmoid": _each("Sigmoid"),
    "Tanh": _each("Tanh"),
    "ReLU": _each("Relu"),
    "LeakyReLU": _each("LeakyRelu", {"alpha": "negative_slope"}),
    "ELU": _each("Elu", {"alpha": "alpha"}),
    "CELU": _each("Celu", {"alpha": "alpha"}),
    "SELU": _each("Selu"),
    "GELU": _gelu,
    "SiLU": _silu,
    "Mish": _mish,
    "Softplus": _softplus,
    "Softsign": _each("Softsign"),
    "Hardswish": _each("HardSwish"),
    "Hardsigmoid": _each("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "Hardtanh": _clip("min_val", "max_val"),
    "ReLU6": _clip(0.0, 6.0),
}
"""By the name of the class in torch.nn."""


def _weights(sketch: Sketch, layer: Layer, name: str, *kinds: str) -> list[str]:
    """As they are called in the checkpoint; one that the layer has not is left out."""
    found = {kind: getattr(layer, kind) for kind in kinds}
    return [sketch.constant(f"{name}.{kind}", value) for kind, value in found.items() if value is not None]


def _pair(size: int | tuple[int, ...]) -> list[int]:
    return [size, size] if isinstance(size, int) else [*size]


def _refused(name: str, why: str) -> UnexportableError:
    return UnexportableError(f"layer {name} has {why}, which cannot be exported to ONNX here")
