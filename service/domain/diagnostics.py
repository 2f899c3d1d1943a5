"""What goes on inside a network while it learns: activations, gradients and updates, layer by layer.

They are taken at the end of an epoch on the same images for every run of a data set, so that runs can be compared;
`workers/probe.py` says how.
"""

from service.domain.experiment import State
from service.domain.record import Record

PROBE_IMAGES = 64
MOST_COMPARED = 20
"""Runs in one comparison."""
MOST_ALIGNED = 50
"""Epochs in one comparison: spread over all that the runs have in common, the first and the last among them."""


class LayerDiagnostics(Record):
    """A layer with weights, and the activation that follows it; null where it does not apply or is not finite."""

    name: str
    """As in the network's state dict."""
    activation: str | None
    """Null where none follows: the output, and a batch norm, whose activation is told with the layer before it."""
    saturated_share: float | None
    """Of all activations, over images, units and positions: tanh with |a| > 0.95, sigmoid with a < 0.05 or > 0.95."""
    dead_share: float | None
    """Of the units (of a convolution: the channels), those that every image, everywhere, leaves in the flat part of
    the ReLU family: ReLU and leaky ReLU z <= 0, and where the slope stays within 0.05: ELU z <= -2.996,
    softplus z <= -2.944, GELU z <= -2.349, SiLU z <= -4.083."""
    gradient_norm: float | None
    """Euclidean norm of the gradient, by the layer's weights without its biases, of the loss that is trained with."""
    weight_norm: float | None
    """Euclidean norm of the weights after the epoch."""
    update_ratio: float | None
    """Norm of what the epoch's last step added to the weights, over `weight_norm`."""


class EpochDiagnostics(Record):
    """One look at the network: the weights are those that the epoch ended with, as in its validation figures."""

    epoch: int
    """Counted from 1."""
    loss: float | None
    """Of the probe images. Where it is null the shares are, too."""
    layers: tuple[LayerDiagnostics, ...]
    """From the image on."""


class DiagnosticsPage(Record):
    """The answer of `GET /v1/experiments/{id}/diagnostics`."""

    experiment_id: str
    state: State
    probe_images: int = PROBE_IMAGES
    """How many images are looked at: the first ones of each class in the data set's training split, for every run."""
    items: tuple[EpochDiagnostics, ...]
    """Ascending; an epoch of few steps may be left out, the first and the spec's last never are."""


class ComparedDiagnostics(Record):
    """One run of a comparison."""

    experiment_id: str
    name: str
    dataset: str
    architecture: str
    activation: str
    state: State
    last: EpochDiagnostics | None
    """The newest look; null where there is none yet, or where the run is older than the looks are."""
    items: tuple[EpochDiagnostics, ...]
    """At the comparison's epochs."""


class DiagnosticsComparison(Record):
    """The answer of `GET /v1/diagnostics`."""

    epochs: tuple[int, ...]
    """At which every run that was looked at, was: all such, or 50 spread over them."""
    same_images: bool
    """True where the probe images are the same ones, of the same size: else losses and gradients differ by them."""
    runs: tuple[ComparedDiagnostics, ...]
    """In the order asked for."""
