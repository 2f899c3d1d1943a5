"""How a run learned, epoch by epoch, as it is plotted and commented on."""

from enum import StrEnum

from service.domain.experiment import BestEpoch, Progress, Resumption, State
from service.domain.record import Record
from service.domain.spec import Monitor

Evidence = dict[str, float | int | str | None]
"""What a comment rests on: figures, the thresholds that they passed, and facts of the spec."""


class CurveSeries(Record):
    """One value an epoch each, in the order of the epochs; null where it was not finite."""

    train_loss: tuple[float | None, ...]
    train_accuracy: tuple[float | None, ...]
    val_loss: tuple[float | None, ...]
    val_accuracy: tuple[float | None, ...]


class Remark(Record):
    """One sentence, in the languages of the lab."""

    en: str
    fr: str


class Severity(StrEnum):
    """How much a comment matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Finding(Record):
    """A comment on the curves, with the numbers that it rests on."""

    kind: str
    """The file in `service/analysis/findings` whose rule found it, or `no_problem`, or `too_few_epochs`."""
    severity: Severity
    epochs: tuple[int, int]
    """First and last epoch that it speaks of; (0, 0) before there is any."""
    evidence: Evidence
    text: Remark


class FindingList(Record):
    """What `GET /v1/experiments/{id}/findings` answers."""

    experiment_id: str
    state: State
    items: tuple[Finding, ...]
    """The gravest first; never empty."""


class LearningCurves(Record):
    """What `GET /v1/experiments/{id}/learning-curves` answers."""

    epochs: tuple[int, ...]
    """Rising, counted from 1; as long as each series."""
    series: CurveSeries
    best_epoch: int | None
    """The epoch of the checkpoint `best`; null before there is one."""
    findings: tuple[Finding, ...] = ()


class GrowingCurve(CurveSeries):
    """What is new of one run, and how it stands."""

    experiment_id: str
    state: State
    progress: Progress
    best: BestEpoch | None
    monitor: Monitor
    """The figure by which its epochs are compared."""
    diverged: bool
    resumptions: tuple[Resumption, ...]
    epochs: tuple[int, ...]
    """Rising, above the epoch that was asked after; as long as each series."""
    learning_rate: tuple[float, ...]
    seconds: tuple[float, ...]
    """Of training, from the epoch that was asked after to the end of this one."""


class GrowingCurves(Record):
    """What `GET /v1/learning-curves` answers."""

    every: int
    """One epoch in so many, with the first and the newest."""
    items: tuple[GrowingCurve, ...]
    """In the order of the ids; one that has been deleted is left out."""
