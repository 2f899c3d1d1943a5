"""Is it a digit, and one that the network can be trusted with?

What speaks against it: that no ink was found, that there are several digits, that it lies far from the training images
(`familiarity`), that they are of another class than the network answers (as the trust score of Jiang et al. (2018),
arXiv:1805.11783), that the network gives it less than half of the probability (Hendrycks and Gimpel (2017),
arXiv:1610.02136), that the picture was poor. The network's energy as well (Liu et al. (2020), arXiv:2010.03759), at one
false alarm in 100, found at most 2 in 100 more of any kind of picture.
"""

from dataclasses import dataclass

import numpy as np

from service.domain.examination import Distance, Reason, ReasonCode, Verdict
from service.domain.prediction import Prediction, Preprocessing
from service.inference import ink
from service.inference.familiarity import Familiarity

UNSURE = 0.5
"""Below this probability the network itself would rather say that it is another digit."""
STRANGE_AT_THE_BORDER = 0.1
"""Ink at the border makes an image doubtful where no more than this share of the training digits is as far."""
NEVER_A_DIGIT = {ReasonCode.BLANK, ReasonCode.SEVERAL_DIGITS, ReasonCode.UNFAMILIAR}


@dataclass(frozen=True)
class Examination:
    """What was found; `distance` is None where the training images are not known."""

    reasons: tuple[Reason, ...]
    ink_share: float
    distance: Distance | None

    @property
    def verdict(self) -> Verdict:
        """The worst that a reason says."""
        if any(each.code in NEVER_A_DIGIT for each in self.reasons):
            return Verdict.NO_DIGIT
        return Verdict.DOUBTFUL if self.reasons else Verdict.DIGIT


def examine(image: np.ndarray, answer: Prediction, known: Familiarity | None) -> Examination:
    """Look at a framed image, float32 `(side, side)` in 0..255, and at what a network answered to it."""
    ink_share = float(image.mean() / 255)
    blank = ink.NO_INK in answer.preprocessing.warnings
    if known is None or blank:
        return Examination((*_of_picture(answer.preprocessing, None), *_of_network(answer)), ink_share, None)
    distance, apart = known.describe(image, digit=answer.digit)
    reasons = (
        *_of_picture(answer.preprocessing, distance),
        *_of_distance(distance),
        *_of_network(answer, distance if apart else None),
    )
    return Examination(reasons, ink_share, distance)


def _of_picture(done: Preprocessing, distance: Distance | None) -> list[Reason]:
    # Whoever cuts a digit out leaves no border: of all tight cuts that says nothing, of strange ones it does.
    strange = distance is not None and distance.as_far < STRANGE_AT_THE_BORDER
    told = [each for each in done.warnings if each != ink.TOUCHES_BORDER or strange]
    codes = {ink.NO_INK: ReasonCode.BLANK, ink.SEPARATE_SHAPES: ReasonCode.SEVERAL_DIGITS}
    return [Reason(code=codes.get(each, ReasonCode.POOR_PICTURE), detail=_ADVICE.get(each, each)) for each in told]


_ADVICE = {
    ink.SEPARATE_SHAPES: "There are several separate shapes: with segment=true each is read as a digit of its own.",
}


def _of_distance(distance: Distance) -> list[Reason]:
    if distance.value < distance.doubtful_from:
        return []
    share = "None" if not distance.as_far else f"{100 * distance.as_far:.2g} %"
    detail = f"It is unlike the digits that the network learnt from: {share} of them are as far from the others."
    strange = distance.value >= distance.no_digit_from
    return [Reason(code=ReasonCode.UNFAMILIAR if strange else ReasonCode.UNUSUAL, detail=detail)]


def _of_network(answer: Prediction, apart: Distance | None = None) -> list[Reason]:
    reasons = []
    if apart is not None:
        detail = f"The network reads {answer.digit}; the training images that are nearest are of class {apart.nearest}."
        reasons.append(Reason(code=ReasonCode.DISAGREEMENT, detail=detail))
    if answer.confidence is None or answer.confidence < UNSURE:
        detail = "The network is unsure: no digit has half of the probability."
        reasons.append(Reason(code=ReasonCode.UNSURE, detail=detail))
    return reasons
