"""Evaluations: asked for, read, laid out as a table. What workers do to them is in `evaluation_queue.py`."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from service.domain.evaluation import (
    Cell,
    Evaluation,
    EvaluationList,
    EvaluationRequest,
    EvaluationTable,
    Reframing,
    TableRow,
)
from service.domain.experiment import State
from service.errors import NotFoundError
from service.storage import checkpoints, records, turns
from service.storage.experiments import find
from service.storage.tables import EvaluationRow, ExperimentRow


def add(
    session: Session,
    experiment_id: str,
    request: EvaluationRequest,
    *,
    evaluation_id: str,
    owner: str | None,
    now: datetime,
) -> Evaluation:
    """Store and thereby enqueue: one INSERT.

    `NotFoundError` where there is no such experiment or checkpoint, `ConflictError` while it has no checkpoint at all.
    """
    found = checkpoints.named(session, experiment_id, request.checkpoint)
    row = EvaluationRow(
        id=evaluation_id,
        experiment_id=experiment_id,
        checkpoint=request.checkpoint,
        epoch=found.epoch,
        dataset=request.dataset,
        framing=request.framing,
        owner=owner,
        state=State.QUEUED,
        created_at=now,
        turn=turns.following(session, EvaluationRow, owner),
    )
    session.add(row)
    session.flush()
    return records.evaluation(row)


def add_for_the_end(
    session: Session, wanted: Sequence[tuple[str, str, str]], *, owner: str | None, now: datetime
) -> None:
    """Store, of each evaluation, experiment and data set by their ids, one of the best weights of a run to come.

    No worker takes it before the run has ended, however that ends.
    """
    turn = turns.following(session, EvaluationRow, owner)
    session.add_all(
        EvaluationRow(
            id=evaluation_id,
            experiment_id=experiment_id,
            checkpoint="best",
            epoch=0,
            dataset=dataset,
            framing=Reframing.RECORDED,
            owner=owner,
            state=State.QUEUED,
            created_at=now,
            turn=turn + place,
        )
        for place, (evaluation_id, experiment_id, dataset) in enumerate(wanted)
    )
    session.flush()


def get(session: Session, experiment_id: str, evaluation_id: str) -> Evaluation:
    """One of this experiment's; `NotFoundError` where there is none."""
    row = session.get(EvaluationRow, evaluation_id)
    if row is None or row.experiment_id != experiment_id:
        find(session, experiment_id)
        raise NotFoundError(f"experiment {experiment_id} has no evaluation {evaluation_id!r}")
    return records.evaluation(row)


def listing(session: Session, experiment_id: str, *, limit: int) -> EvaluationList:
    """The newest of an experiment; `NotFoundError` where there is no such experiment."""
    find(session, experiment_id)
    query = sa.select(EvaluationRow).where(EvaluationRow.experiment_id == experiment_id)
    rows = session.scalars(query.order_by(EvaluationRow.created_at.desc(), EvaluationRow.id.desc()).limit(limit))
    return EvaluationList(items=tuple(records.evaluation(row) for row in rows))


def table(session: Session, experiment_ids: Sequence[str], *, framing: Reframing) -> EvaluationTable:
    """These experiments against their own data sets, first, and all others that one of them was evaluated on.

    A cell is the run's own look at its test split, else the newest evaluation with this framing, completed ones before
    others. `NotFoundError` where one of the experiments is not there.
    """
    query = sa.select(ExperimentRow).where(ExperimentRow.id.in_(experiment_ids))
    by_id = {row.id: row for row in session.scalars(query)}
    if missing := [each for each in experiment_ids if each not in by_id]:
        raise NotFoundError(f"there is no experiment {missing[0][:60]!r}")
    rows = [by_id[each] for each in experiment_ids]
    cells = {(row.experiment_id, row.dataset): _evaluated(row) for row in _best_known(session, by_id, framing)}
    cells |= {(row.id, row.dataset): _own(row) for row in rows if row.test_accuracy is not None}
    columns = tuple(dict.fromkeys([*(row.dataset for row in rows), *sorted(dataset for _id, dataset in cells)]))
    return EvaluationTable(
        framing=framing,
        datasets=columns,
        rows=tuple(
            TableRow(
                experiment_id=row.id,
                name=row.name,
                trained_on=row.dataset,
                cells=tuple(cells.get((row.id, dataset)) for dataset in columns),
            )
            for row in rows
        ),
    )


def _best_known(session: Session, experiment_ids: Collection[str], framing: Reframing) -> Iterable[EvaluationRow]:
    """In such an order that the one to be shown of each pair comes last."""
    row = EvaluationRow
    query = sa.select(row).where(row.experiment_id.in_(experiment_ids), row.framing == framing)
    return session.scalars(query.order_by(row.state == State.COMPLETED, row.created_at, row.id))


def _evaluated(row: EvaluationRow) -> Cell:
    result = row.result or {}
    return Cell(
        accuracy=result.get("accuracy"),
        loss=result.get("loss"),
        state=State(row.state),
        epoch=row.epoch or None,
        source="evaluation",
        evaluation_id=row.id,
    )


def _own(row: ExperimentRow) -> Cell:
    return Cell(
        accuracy=row.test_accuracy,
        loss=row.test_loss,
        state=State(row.state),
        epoch=row.best_epoch,
        source="test",
        evaluation_id=None,
    )
