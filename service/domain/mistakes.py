"""Images that a network reads wrong."""

from service.domain.record import Record
from service.domain.splits import SplitName


class Mistake(Record):
    """One image. Numbers are null where a logit of the network is not finite."""

    index: int
    """Where it stands in its data set: in the test split, or in the training split that validation is taken from."""
    label: int
    prediction: int
    confidence: float | None
    """The probability of `prediction`."""
    loss: float | None
    """Its cross-entropy, minus the logarithm of the label's probability; null where that is 0, too."""
    probabilities: tuple[float | None, ...]
    image: str
    """PNG, base64."""


class Mistakes(Record):
    """What `GET /v1/experiments/{id}/mistakes` answers: the largest loss first, before it what has no finite one."""

    experiment_id: str
    split: SplitName
    labels: tuple[str, ...]
    """The classes by name; `label` and `prediction` are places here."""
    images: int
    """In the split."""
    total: int
    """That were asked for, of which `items` are the first."""
    items: tuple[Mistake, ...]
