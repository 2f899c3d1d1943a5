"""What hidden layers add: the one map that a stack of linear layers is, and the linear map nearest to any other."""

from service.domain.record import Record


class LinearCollapse(Record):
    """An affine network multiplied out: logits = A x + b for the standardised pixels x."""

    layers: int
    """Layers with weights that the one map stands for."""
    inputs: int
    outputs: int
    declared_parameters: int
    effective_parameters: int
    """Of all affine maps of this rank, or those declared, where they are fewer: no more can be told from outside."""
    formula: str
    """How the effective ones add up, such as `(784+1)*10 = 7850`."""
    rank: int
    """Numerical rank of A, computed in double precision."""
    singular_values: tuple[float, ...]
    """Of A, the largest first."""
    images: int
    """Of the test split, on which map and network are compared."""
    largest_difference: float
    """Between a logit of the network as it was stored, computed in single precision, and one of the map."""
    largest_logit: float
    """The largest absolute value of a logit: the scale of the difference."""
    relative_difference: float
    """One over the other; single precision rounds at 6e-8 in each sum."""
    is_rounding: bool
    """True where the relative difference is at most 1e-4."""
    same_predictions: int
    """Images for which both choose the same class."""


class LinearFit(Record):
    """The best linear map from the pixels, with bias, to a network's logits; each image is judged by a fit without it.

    Least squares on the test images. The labels are used for the accuracies alone.
    """

    method: str
    images: int
    coefficients: int
    """Numbers that are fitted."""
    r2: float | None
    """Share of the variance of all logits that the fit predicts; null where they do not vary."""
    r2_by_class: tuple[float | None, ...]
    network_accuracy: float
    accuracy: float
    """Of the class with the largest fitted logit."""
    accuracy_lost: float
    """The network's accuracy less this one: what its nonlinearity is worth on these images."""
    same_predictions: float
    """Share of the images for which both choose the same class."""


class Linearity(Record):
    """At most one of the two; both are null where there is nothing to judge, and `reason` says why."""

    linear_collapse: LinearCollapse | None = None
    """Where all layers are affine, such as with `identity`."""
    linear_fit: LinearFit | None = None
    """For all other networks."""
    reason: str | None = None
