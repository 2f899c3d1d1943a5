"""What a network consists of: its layers, their parameters and their work, with the sums written out."""

from service.domain.record import Record


class LayerFacts(Record):
    """One layer, for one image."""

    name: str
    """As in the network's state dict."""
    type: str
    """The class of torch.nn."""
    output_shape: tuple[int, ...]
    """Without the batch: `(channels, height, width)` or `(features,)`."""
    parameters: int
    """Trainable ones; the running statistics of a batch normalisation are not among them."""
    formula: str | None
    """How the parameters add up, such as `(5*5*1+1)*6 = 156`; null where there are none."""
    multiply_accumulates: int
    """Multiplications by a weight of a convolution or dense layer; all other work counts as none."""


class Ledger(Record):
    """A whole network; the totals are the sums over its layers."""

    layers: tuple[LayerFacts, ...]
    parameters: int
    multiply_accumulates: int
