"""Which class is read as which."""

from service.domain.record import Record
from service.domain.splits import SplitName


class Scores(Record):
    """Null where nothing was there to be counted."""

    precision: float | None
    """Of the images read as this class, the share that are of it."""
    recall: float | None
    """Of the images of this class, the share read as it."""
    f1: float | None
    """The harmonic mean of both."""


class ClassScores(Scores):
    """One class."""

    label: str
    support: int
    """Images of this class."""
    predicted: int
    """Images read as this class."""


class Confused(Record):
    """A kind of mistake."""

    label: int
    prediction: int
    count: int


class ConfusionMatrix(Record):
    """All images of a split by what they are and what they are read as."""

    labels: tuple[str, ...]
    """The classes by name; elsewhere a class is its place here."""
    matrix: tuple[tuple[int, ...], ...]
    """A row for each true class, a column for each class that was read."""
    per_class: tuple[ClassScores, ...]
    macro: Scores
    """Means over the classes that have the figure."""
    accuracy: float | None
    images: int
    most_confused: tuple[Confused, ...]
    """The largest counts off the diagonal, at most ten."""


class Confusion(ConfusionMatrix):
    """What `GET /v1/experiments/{id}/confusion` answers; it is of the best weights, as all that follows is."""

    experiment_id: str
    split: SplitName
