"""What the digit doctor says of an image: is it a digit at all, like those that the network learnt from?"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Self

from service.domain.prediction import CheckpointName, Preprocessing
from service.domain.record import Record

Box = tuple[int, int, int, int]
"""Left, top, width, height."""


class Verdict(StrEnum):
    """`digit`: nothing speaks against it; `doubtful`: read with care; `no_digit`: an answer means nothing."""

    DIGIT = "digit"
    DOUBTFUL = "doubtful"
    NO_DIGIT = "no_digit"


class ReasonCode(StrEnum):
    """Why a verdict is not `digit`; the first three make it `no_digit`, the others `doubtful`."""

    BLANK = "blank"
    SEVERAL_DIGITS = "several_digits"
    UNFAMILIAR = "unfamiliar"
    UNUSUAL = "unusual"
    DISAGREEMENT = "disagreement"
    UNSURE = "unsure"
    POOR_PICTURE = "poor_picture"


class Reason(Record):
    """One of them, in words."""

    code: ReasonCode
    detail: str


class Distance(Record):
    """How far the image is from the data set's training images (`service/inference/familiarity.py`)."""

    value: float
    """0 where every training digit is as extreme; it grows without bound."""
    as_far: float
    """The share of training digits, held out from the reckoning, that are at least as far."""
    doubtful_from: float
    no_digit_from: float
    """The distances from which the verdict is at least `doubtful`, and `no_digit`."""
    nearest: int
    """The class whose training images are the nearest."""
    residual: float
    """The share of the image that no mixture of the training images' principal components makes up: 0..1."""
    to_class: float
    """Squared Mahalanobis distance to the nearest class, with the logarithm of its volume."""
    stroke: float
    """Ink over the length of its outline: about half the strokes' thickness, in pixels of the data set's own images."""


class SeenPreprocessing(Preprocessing):
    """What was done to an image, and what came of it."""

    seen: str | None = None
    """With `seen=true`: the grey pixels that the network saw, before they were standardised, as a PNG in base64."""


class ExaminedPrediction(Record):
    """A network's answer to one image or to one digit of it, and what the doctor says of it."""

    digit: int | None
    """None where the verdict is `no_digit` and abstention was asked for; `label` and `confidence` then, too."""
    label: str | None
    confidence: float | None
    probabilities: tuple[float | None, ...]
    logits: tuple[float | None, ...]
    preprocessing: SeenPreprocessing
    verdict: Verdict
    reasons: tuple[Reason, ...]
    ink_share: float
    """The mean grey of what the network saw, on the scale 0..1."""
    distance: Distance | None
    distance_unavailable: str | None
    """Why there is no distance."""
    box: Box | None
    """With `segment=true`: the digit's place in pixels of the image as sent."""
    name: str | None = None
    """What the file was called in a form that was sent."""


class ExaminedPredictions(Record):
    """The answer to one request: in the order of the images sent, or in reading order of the digits on one of them."""

    experiment_id: str
    checkpoint: CheckpointName
    text: str | None
    """With `segment=true`: what is written there, line by line; `?` where the doctor abstained."""
    predictions: tuple[ExaminedPrediction, ...]

    def named(self, names: Sequence[str | None]) -> Self:
        """The same with what each image is called, if anything is; digits of one picture have none."""
        if not any(names) or len(names) != len(self.predictions):
            return self
        pairs = zip(self.predictions, names, strict=True)
        return self.model_copy(
            update={"predictions": tuple(each.model_copy(update={"name": name}) for each, name in pairs)}
        )
