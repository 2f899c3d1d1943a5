"""A checkpoint on another data set's test split: what is asked for, what a worker is given, what is answered."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from service.domain.checkpoint import CheckpointChoice
from service.domain.confusion import ClassScores
from service.domain.dataset import Framing
from service.domain.experiment import Failure, State
from service.domain.record import Record
from service.domain.spec import DatasetName

MAX_ROWS = 100
"""Experiments in one table."""


class Reframing(StrEnum):
    """What is done to the other data set's images beside resizing them."""

    RECORDED = "recorded"
    """Their ink is placed as that of the images which the network learnt from, as in a prediction."""
    NONE = "none"


class EvaluationRequest(Record):
    """The body of `POST /v1/experiments/{id}/evaluations`."""

    dataset: DatasetName
    checkpoint: CheckpointChoice = "best"
    framing: Reframing = Reframing.RECORDED


class EvaluationJob(Record):
    """One attempt at one evaluation. `attempt` is the fence: it goes with every write."""

    evaluation_id: str
    attempt: int
    experiment_id: str
    checkpoint: str
    dataset: str
    framing: Reframing


class Adaptation(Record):
    """What was done to a data set's test images before the network saw them."""

    images: int
    native_size: int
    """Side in pixels of the data set's own images."""
    image_size: int
    """Side in pixels of what the network sees."""
    framing: Reframing
    """As it was asked for."""
    target: Framing | None
    """The recorded framing, given for images of the side `target_size`; null where it was not asked for."""
    target_size: int | None
    framed_anew: int
    """Images whose ink was cut out, scaled and placed; of the others the whole image was resized."""
    mean: float
    std: float
    """Those of the network's own training images: inputs are `(grey / 255 - mean) / std`."""


class EvaluationResult(Record):
    """What the worker found."""

    loss: float | None
    """Null where it is not finite."""
    accuracy: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """A row for each true class, a column for each answer."""
    per_class: tuple[ClassScores, ...]
    preprocessing: Adaptation


class EvaluatedCheckpoint(Record):
    """Which weights, as they were asked for."""

    name: str
    epoch: int | None
    """The one that this means; once it is evaluated, the one that was. Null while the end of the run is waited for."""


class Evaluation(Record):
    """The answer of `GET /v1/experiments/{id}/evaluations/{evaluation_id}`."""

    id: str
    experiment_id: str
    state: State
    dataset: str
    framing: Reframing
    checkpoint: EvaluatedCheckpoint
    loss: float | None
    """The run's own, with its label smoothing."""
    accuracy: float | None
    labels: tuple[str, ...] | None
    confusion: tuple[tuple[int, ...], ...] | None
    """A row for each true class, a column for each answer, in the order of `labels`."""
    per_class: tuple[ClassScores, ...] | None
    preprocessing: Adaptation | None
    error: Failure | None
    owner: str | None
    attempt: int
    worker: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class EvaluationList(Record):
    """The evaluations of one experiment, the newest first."""

    items: tuple[Evaluation, ...]


class Cell(Record):
    """One network on one data set's test split."""

    accuracy: float | None
    """Null until there is one."""
    loss: float | None
    state: State
    epoch: int | None
    """Of the weights that were evaluated."""
    source: Literal["test", "evaluation"]
    """The run's own look at its test split, or an evaluation."""
    evaluation_id: str | None


class TableRow(Record):
    """One network on all the data sets."""

    experiment_id: str
    name: str
    trained_on: str
    cells: tuple[Cell | None, ...]
    """One for each of the table's data sets; null where nobody has asked."""


class EvaluationTable(Record):
    """Networks by what they were trained on, against the data sets that they were evaluated on."""

    framing: Reframing
    datasets: tuple[str, ...]
    rows: tuple[TableRow, ...]


def link(experiment_id: str, evaluation_id: str) -> str:
    """Where an evaluation is."""
    return f"/v1/experiments/{experiment_id}/evaluations/{evaluation_id}"
