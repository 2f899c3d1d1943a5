"""How a run learned, epoch by epoch, as it is plotted and commented on."""

from service.domain.record import Record


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


class Finding(Record):
    """A comment on the curves, with the numbers that it rests on."""

    kind: str
    severity: str
    epochs: tuple[int, int]
    """First and last epoch that it speaks of."""
    evidence: dict[str, float | int | str | None]
    text: Remark


class LearningCurves(Record):
    """What `GET /v1/experiments/{id}/learning-curves` answers."""

    epochs: tuple[int, ...]
    """Rising, counted from 1; as long as each series."""
    series: CurveSeries
    best_epoch: int | None
    """The epoch of the checkpoint `best`; null before there is one."""
    findings: tuple[Finding, ...] = ()
