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
