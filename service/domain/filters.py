"""A layer's weights as images."""

from service.domain.numbers import Grid, Row
from service.domain.prediction import CheckpointName
from service.domain.record import Record


class WeightLayer(Record):
    """A layer whose weights can be looked at."""

    name: str
    """As in the network's state dict."""
    type: str
    weight_shape: tuple[int, ...]
    """`(out channels, in channels, height, width)` of a convolution, `(units, inputs)` of a dense layer."""


class WeightTile(Record):
    """One image of weights."""

    index: int | None
    """The output channel or unit; null where the tile is the whole matrix."""
    bias: float | None
    """Null where the layer has none."""
    values: Grid


class Filters(Record):
    """The answer of `GET /v1/experiments/{id}/filters`."""

    experiment_id: str
    checkpoint: CheckpointName
    layers: tuple[WeightLayer, ...]
    """All that `layer` may name."""
    layer: WeightLayer
    view: str
    """What a tile is, in words."""
    channels: int
    """Input channels, of which `channel` may choose one."""
    channel: int | None
    """The input channel shown; null: the mean over all of them."""
    total: int
    """Tiles there are; `tiles` are those from `offset` on."""
    offset: int
    scale: float | None
    """The largest absolute weight of all tiles: what full colour is in the picture."""
    minimum: float | None
    maximum: float | None
    bias: Row | None
    """Of all outputs, in their order; null where the layer has none."""
    tiles: tuple[WeightTile, ...]
