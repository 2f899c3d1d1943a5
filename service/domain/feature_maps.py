"""What each layer of a network makes of one image, and how one of the numbers comes about."""

from enum import StrEnum

from pydantic import Field

from service.domain.numbers import Row, Stack, Value
from service.domain.prediction import Prediction
from service.domain.record import Record
from service.domain.subject import Looked


class Format(StrEnum):
    """Of the layers that give maps: a PNG a map, or the numbers."""

    PNG = "png"
    JSON = "json"


class LayerMaps(Record):
    """What one layer gives."""

    name: str
    """As in the network's state dict."""
    type: str
    """The class of torch.nn."""
    shape: tuple[int, ...]
    """`(channels, height, width)` or `(features,)`."""
    minimum: Value
    maximum: Value
    mean: Value
    zeros: float
    """The share of the values that are exactly 0, as those that a ReLU has cut off."""
    shown: int
    """Maps, or features, that follow, the first of the layer; `shape` says how many there are."""
    values: Row | None = None
    """Of a layer without maps, its numbers."""
    maps: Stack | None = None
    """Of a layer with maps, with `format=json`: a grid of numbers a map."""
    png: tuple[str, ...] | None = None
    """Of a layer with maps, with `format=png`: a PNG in base64 a map, a pixel a number; grey 0 is `minimum`, 255 is
    `maximum`."""


class Activations(Looked):
    """The answer of `POST /v1/experiments/{id}/activations`."""

    layers: tuple[LayerMaps, ...]
    prediction: Prediction


class Position(Looked):
    """One number of a layer: its patch times its kernel, plus its bias.

    Patch, kernel and products have one shape: input channels, height, width. A dense layer's patch is all that it is
    given, laid out as it was before it was flattened; where that had no rows and columns, it is one row.
    """

    layer: str
    type: str
    map: int
    """The output channel or unit."""
    row: int
    column: int
    corner: tuple[int, int]
    """Row and column of the input at the patch's upper left; negative where it begins in the padding."""
    input_shape: tuple[int, ...]
    """What the layer is given, without the batch."""
    output_shape: tuple[int, ...]
    patch: Stack
    kernel: Stack
    products: Stack
    bias: float | None
    """Null where the layer has none."""
    sum: Value = Field(description="The products and the bias added up, in double precision.")
    value: Value
    """The number that the network itself computed there, before any activation: the sum up to rounding."""
    difference: Value
    """`sum - value`."""
    then: dict[str, Value]
    """What the layers right after it make of this one number, by name, as long as each treats numbers singly."""
