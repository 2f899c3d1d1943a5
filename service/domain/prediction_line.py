"""A prediction as a line of a table: what is read by programs that take one image after another."""

from service.domain.prediction import Prediction
from service.domain.record import Record


class PredictionLine(Record):
    """One image of a request. The logits and the place of the ink are in the JSON answer alone."""

    index: int
    """Its place among the images sent, from 0."""
    name: str | None
    digit: int
    label: str
    confidence: float | None
    probabilities: tuple[float | None, ...]
    warnings: tuple[str, ...]


def line(index: int, prediction: Prediction, *, name: str | None) -> PredictionLine:
    """The line of the image at this place."""
    return PredictionLine(
        index=index,
        name=name,
        digit=prediction.digit,
        label=prediction.label,
        confidence=prediction.confidence,
        probabilities=prediction.probabilities,
        warnings=prediction.preprocessing.warnings,
    )
