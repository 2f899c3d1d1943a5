"""Images that several networks read differently."""

from service.domain.record import Record
from service.domain.significance import McNemar


class Reader(Record):
    """One of the runs."""

    experiment_id: str
    name: str
    accuracy: float
    """On the test split."""


class Pair(McNemar):
    """Two of the runs over the whole test split, and McNemar's test of whether one of them reads better."""

    a: str
    """The first one's id."""
    b: str
    both_right: int
    both_wrong: int
    differ: int
    """Images that the two read differently: those that one alone reads right, and those that both read wrong, each in
    its own way."""


class Reading(Record):
    """What one run makes of an image; null where a logit of it is not finite."""

    experiment_id: str
    prediction: int
    confidence: float | None
    """The probability of `prediction`."""
    label_probability: float | None


class Disagreement(Record):
    """One image."""

    index: int
    """Where it stands in the data set's test split."""
    label: int
    margin: float | None
    """How far apart the runs are that are farthest apart: the total variation distance of their probabilities, 0..1."""
    readings: tuple[Reading, ...]
    """In the order of the runs."""
    image: str
    """PNG, base64."""


class Disagreements(Record):
    """What `GET /v1/disagreements` answers: the widest margin first."""

    dataset: str
    labels: tuple[str, ...]
    """The classes by name; `label` and `prediction` are places here."""
    images: int
    """In the test split."""
    runs: tuple[Reader, ...]
    pairs: tuple[Pair, ...]
    all_right: int
    all_wrong: int
    total: int
    """Images that the runs read differently, or of these the ones that were asked for; `items` are the first."""
    items: tuple[Disagreement, ...]
