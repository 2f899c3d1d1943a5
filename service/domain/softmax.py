"""What happens between a network's last layer and its loss, for one image."""

from service.domain.curves import Remark
from service.domain.record import Record
from service.domain.splits import SplitName

Numbers = tuple[float | None, ...]
"""One for each class; null where a logit of the network is not finite."""


class Gradients(Record):
    """How much each figure changes with each logit."""

    cross_entropy: Numbers
    """Softmax minus one-hot label, divided by the temperature: never 0 while the answer is not certain and right."""
    softmax: Numbers
    """Of the probability of `softmax_class`: that row of the Jacobian matrix."""
    softmax_class: int
    hard_maximum: Numbers
    """0 everywhere but where two logits tie for the largest, where there is no gradient: null."""
    zero_one_loss: Numbers
    """As of the hard maximum."""


class Softmax(Record):
    """What `GET /v1/experiments/{id}/softmax` answers: one image, from its logits to the gradients of its losses."""

    experiment_id: str
    split: SplitName
    index: int
    image: str
    """PNG, base64."""
    labels: tuple[str, ...]
    label: int
    prediction: int
    temperature: float
    """Logits are divided by it before the softmax."""
    logits: Numbers
    softmax: Numbers
    hard_maximum: tuple[int, ...]
    """1 for the class that is read, 0 for the others."""
    cross_entropy: float | None
    """Minus the logarithm of the label's softmax."""
    zero_one_loss: int
    """1 where the image is read wrong."""
    margin: float | None
    """The label's logit minus the largest other: negative where the image is read wrong."""
    gradients: Gradients
    remark: Remark


class ScoredImage(Record):
    """One image of a split."""

    index: int
    label: int
    prediction: int
    """The hard maximum, by its place in `labels`."""
    cross_entropy: float | None
    zero_one_loss: int
    margin: float | None
    gradient: float | None
    """The length of the cross-entropy's, by the logits."""
    logits: Numbers
    softmax: Numbers


class MeanGradients(Record):
    """How long the gradients by the logits are: means over the images, null where one is not finite."""

    cross_entropy: float | None
    softmax: float | None
    """Of the probability of what is read."""
    hard_maximum: float | None
    """0, as is the 0/1 loss's: both are constant around every image at which no two logits tie; null of none such."""
    ties: int
    """Images at which two do, where the hard maximum has no gradient."""


class SplitSoftmax(Record):
    """What `GET /v1/experiments/{id}/logits` answers: the figures of `Softmax` for a whole split."""

    experiment_id: str
    split: SplitName
    labels: tuple[str, ...]
    temperature: float
    images: int
    cross_entropy: float | None
    """The mean, at this temperature."""
    zero_one_loss: float
    """The share of the images that are read wrong."""
    margin: float | None
    """The mean."""
    gradients: MeanGradients
    offset: int
    items: tuple[ScoredImage, ...]
    """From the image at this offset on, in the order of the split."""
