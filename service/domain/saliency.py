"""Which pixels an answer rests on."""

from enum import StrEnum

from service.domain.numbers import Grid, Value
from service.domain.prediction import Prediction
from service.domain.record import Record
from service.domain.subject import Looked


class Method(StrEnum):
    """`gradient`: the slope at each pixel; `occlusion`: what is lost when a window is blanked."""

    GRADIENT = "gradient"
    OCCLUSION = "occlusion"


class Target(StrEnum):
    """The number whose change is looked at: of the digit, or its logit minus that of `against` (the gap)."""

    LOGIT = "logit"
    GAP = "gap"
    PROBABILITY = "probability"


class Pair(Record):
    """The digit that is asked about, and the one that it is held against."""

    digit: int | None = None
    """Null: the one that the network reads."""
    against: int | None = None
    """Null: the runner-up, the likeliest of the others."""


class Windows(Record):
    """How an image is to be occluded; null: what suits its size and the network's work."""

    window: int | None = None
    stride: int | None = None


class Occlusion(Record):
    """What blanking a window costs: the target before minus the target after."""

    window: int
    """Side of the square in pixels; its pixels are set to the ground, grey 0."""
    stride: int
    starts: tuple[int, ...]
    """Rows of the windows' upper edges and, as well, columns of their left edges; the last lies at the border."""
    drops: Grid
    """A row for each upper edge, a column for each left edge."""


class Saliency(Looked):
    """The answer of `POST /v1/experiments/{id}/saliency`."""

    method: Method
    target: Target
    digit: int
    against: int | None
    """Of the target `gap`; else null."""
    value: Value
    """The target for the image as it is."""
    unit: str
    """What a number of `map` says."""
    map: Grid
    """A number a pixel. Gradient: target per grey on the scale 0..1. Occlusion: the mean drop over the windows that
    hold the pixel."""
    minimum: Value
    maximum: Value
    occlusion: Occlusion | None
    prediction: Prediction


class Input(StrEnum):
    """What a pixel's weight is multiplied by: `standardised`, the network's input, or `ink`, grey on 0..1.

    Of ink, the ground has no part in the sum, and the bias is the gap of a blank image.
    """

    STANDARDISED = "standardised"
    INK = "ink"


class Contributions(Looked):
    """The answer of `POST /v1/experiments/{id}/contributions`: a linear network's logit gap, pixel by pixel.

    `pixels + bias = gap`, and `gap` is the network's own up to rounding.
    """

    digit: int
    against: int
    input: Input
    weights: Grid
    """A number a pixel: of the one map from pixels to the gap that all layers together are."""
    map: Grid
    """Weight times pixel."""
    pixels: Value
    """The sum over `map`."""
    bias: Value
    gap: Value
    """In double precision."""
    network_gap: Value
    """The difference of the two logits as the network computes them, in single precision."""
    difference: Value
    """`gap - network_gap`: rounding."""
    prediction: Prediction
