"""What a network consists of: its layers, their parameters and their work, with the sums written out."""

from service.domain.record import Record


class DenseEquivalent(Record):
    """The dense layer that gives, for one image size, the same outputs as a convolution.

    Its matrix has the kernel's weights again and again, once an output pixel, and zeros wherever an output does not
    look at an input.
    """

    inputs: int
    outputs: int
    parameters: int
    formula: str
    """How they add up, such as `(784+1)*4704 = 3692640`."""
    connections: int
    """Weights that are not zero for being out of the kernel's reach; the border's zeros are no inputs."""
    sharing_factor: float
    """Its parameters over those of the convolution."""


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
    affine: bool
    """True where the layer of a trained network is a linear map and a shift: dense layers, convolutions, average
    pooling, and, once nothing is learnt any more, dropout and batch normalisation; maximum pooling is none."""
    dense_equivalent: DenseEquivalent | None = None
    """Of a convolution; null for any other layer."""


class Formula(Record):
    """The same said twice."""

    text: str
    latex: str


class NetworkFunction(Formula):
    """The probabilities of the classes as a function of the image x, read from the layers."""

    where: tuple[Formula, ...]
    """What each letter and name in it stands for."""


class Ledger(Record):
    """A whole network; the totals are the sums over its layers."""

    layers: tuple[LayerFacts, ...]
    parameters: int
    multiply_accumulates: int
    function: NetworkFunction

    @property
    def affine(self) -> bool:
        """True where the whole network is one linear map and a shift."""
        return all(layer.affine for layer in self.layers)

    @property
    def weighted(self) -> tuple[int, ...]:
        """Where the convolutions and dense layers stand among the layers."""
        return tuple(place for place, layer in enumerate(self.layers) if layer.multiply_accumulates)

    @property
    def convolutions(self) -> int:
        """How many of the layers are convolutions."""
        return sum(layer.dense_equivalent is not None for layer in self.layers)
