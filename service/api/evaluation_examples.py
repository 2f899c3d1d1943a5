"""Examples of what is answered about evaluations on other data sets."""

from datetime import UTC, datetime, timedelta

from service.domain.confusion import ClassScores
from service.domain.dataset import Framing
from service.domain.evaluation import (
    Adaptation,
    Cell,
    EvaluatedCheckpoint,
    Evaluation,
    EvaluationList,
    EvaluationTable,
    Reframing,
    TableRow,
    link,
)
from service.domain.experiment import State, links
from service.domain.record import Record

_BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def records(experiment_id: str) -> tuple[Record, ...]:
    """One of each answer."""
    evaluation_id = experiment_id[:-1] + "5"
    diagonal = tuple(tuple(190 if row == column else 1 for column in range(10)) for row in range(10))
    evaluation = Evaluation(
        id=evaluation_id,
        experiment_id=experiment_id,
        state=State.COMPLETED,
        dataset="usps",
        framing=Reframing.RECORDED,
        checkpoint=EvaluatedCheckpoint(name="best", epoch=2),
        loss=0.21,
        accuracy=1900 / 1990,
        labels=tuple("0123456789"),
        confusion=diagonal,
        per_class=tuple(
            ClassScores(label=label, support=199, predicted=199, precision=190 / 199, recall=190 / 199, f1=190 / 199)
            for label in "0123456789"
        ),
        preprocessing=Adaptation(
            images=1990,
            native_size=16,
            image_size=28,
            framing=Reframing.RECORDED,
            target=Framing(box=20, centre="mass"),
            target_size=28,
            framed_anew=1990,
            mean=0.1307,
            std=0.3081,
        ),
        error=None,
        owner="ada",
        attempt=1,
        worker="slate:4711",
        created_at=_BEGAN,
        started_at=_BEGAN,
        finished_at=_BEGAN + timedelta(seconds=1.5),
        links={"self": link(experiment_id, evaluation_id), "experiment": links(experiment_id)["self"]},
    )
    cells = (
        Cell(accuracy=0.981, loss=0.06, state=State.COMPLETED, epoch=2, source="test", evaluation_id=None),
        Cell(
            accuracy=evaluation.accuracy,
            loss=evaluation.loss,
            state=State.COMPLETED,
            epoch=2,
            source="evaluation",
            evaluation_id=evaluation_id,
        ),
    )
    row = TableRow(experiment_id=experiment_id, name="mnist-mlp-relu", trained_on="mnist", cells=cells)
    table = EvaluationTable(framing=Reframing.RECORDED, datasets=("mnist", "usps"), rows=(row,))
    return evaluation, EvaluationList(items=(evaluation,)), table
