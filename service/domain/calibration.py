"""Whether a network is as sure as it is right, and by how much it is right or wrong."""

from service.domain.record import Record
from service.domain.splits import SplitName


class ReliabilityBin(Record):
    """The images whose confidence lies above `low` and at most at `high`; null where there is none."""

    low: float
    high: float
    count: int
    confidence: float | None
    """Their mean."""
    accuracy: float | None


class Quantile(Record):
    """A share of the images has at most this value."""

    share: float
    value: float


class Margins(Record):
    """How far the label's logit is above the largest other, over the images; below 0 it is read wrong."""

    quantiles: tuple[Quantile, ...]
    edges: tuple[float, ...]
    """Of the histogram: one more than there are counts, and 0 is one of them."""
    counts: tuple[int, ...]


class Judged(Record):
    """A split under one temperature."""

    cross_entropy: float | None
    expected_calibration_error: float | None


class FittedTemperature(Record):
    """The temperature under which the cross-entropy on the validation split is least: it changes no prediction."""

    value: float | None
    """Null where no image of the validation split has finite logits."""
    at_bound: bool
    """True where an even smaller or larger one would be better still, as where every image is read right."""
    fitted_on: SplitName = "validation"
    validation_images: int
    judged_on: SplitName = "test"
    before: Judged
    after: Judged | None


class Calibration(Record):
    """What `GET /v1/experiments/{id}/calibration` answers. Null where a logit that it rests on is not finite."""

    experiment_id: str
    split: SplitName
    images: int
    not_finite: int
    """Images with a logit that is not finite: they are in the two losses, and in none of the other figures."""
    cross_entropy: float | None
    """The mean, without the label smoothing that the run may have been trained with."""
    zero_one_loss: float
    """The share of the images that are read wrong."""
    zero_one_bound: float | None
    """Mean cross-entropy divided by ln 2, which the 0/1 loss is never above: an image that is read wrong has a
    probability of at most one half for its label."""
    brier_score: float | None
    """Mean over the images of the squared distance between probabilities and one-hot label, 0..2."""
    expected_calibration_error: float | None
    """Mean over the images of how far their bin's accuracy is from its confidence."""
    bins: tuple[ReliabilityBin, ...]
    margins: Margins
    temperature: FittedTemperature
