"""How the test error falls with the number of training images."""

from typing import Any

from service.domain.comparison import Estimate, Interval
from service.domain.curves import Remark
from service.domain.record import Record


class Parameter(Record):
    """A fitted number; no interval where the data leave it open."""

    value: float
    interval: Interval | None
    """95 %, from the curvature of the fit."""


class Prediction(Record):
    """What the law says of a number of training images."""

    train_size: int
    test_error: float
    interval: Interval | None
    """95 %, of the mean over seeds."""
    extrapolated: bool
    """True where it is above all sizes that were tried: the law may not hold so far out."""


class PowerLaw(Record):
    """test error = a * n**-b + c, where n is the number of training images."""

    a: Parameter
    b: Parameter
    c: Parameter
    """The error that no number of images takes away; 0, without an interval, where the data do not tell it from 0."""
    residual: float
    """Standard deviation of the runs around it, as a part of the error: 0.05 is 5 %."""
    full: Prediction
    """At all the images that the data set has for training."""


class SizePoint(Record):
    """Runs that have learnt from as many images."""

    train_size: int
    test_error: Estimate
    experiment_ids: tuple[str, ...]


class SizeCurve(Record):
    """Runs that are the same but for the seed and the number of training images."""

    label: str
    settings: dict[str, Any]
    points: tuple[SizePoint, ...]
    """From the fewest images to the most."""
    fit: PowerLaw | None
    """Null where there are fewer than three sizes."""
    text: Remark


class TrainSizes(Record):
    """What `GET /v1/comparisons/train-size` answers."""

    curves: tuple[SizeCurve, ...]
    left_out: int
    """Runs that were not completed and tested."""
