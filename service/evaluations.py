"""How an evaluation comes in: what is checked before it is stored."""

from datetime import datetime

from service import datasets, ids
from service.domain.evaluation import Evaluation, EvaluationRequest
from service.domain.spec import DatasetChoice
from service.errors import FieldError, InvalidSpecError
from service.storage import Session, evaluations, experiments

SHOWN = 3
"""Classes by which a data set is told from another."""


def submit(
    session: Session, experiment_id: str, request: EvaluationRequest, *, owner: str | None, now: datetime
) -> Evaluation:
    """Store and thereby enqueue; errors as `storage/evaluations.add`.

    `InvalidSpecError` where the data set's classes are not those that the network tells apart.
    """
    _require_same_classes(request.dataset, experiments.get(session, experiment_id).spec.dataset)
    return evaluations.add(session, experiment_id, request, evaluation_id=ids.new(), owner=owner, now=now)


def _require_same_classes(name: str, learnt: DatasetChoice) -> None:
    theirs, ours = (datasets.facts(each).labels for each in (name, learnt.name))
    if theirs == ours:
        return
    fitting = ", ".join(each for each in datasets.names() if datasets.facts(each).labels == ours)
    detail = (
        f"{name} has other classes ({_some(theirs)}) than {learnt.name}, which the network learnt ({_some(ours)}); "
        f"allowed: {fitting}"
    )
    raise InvalidSpecError((FieldError(pointer="#/dataset", detail=detail, code="other_classes"),))


def _some(labels: tuple[str, ...]) -> str:
    return ", ".join([*labels[:SHOWN], "..."] if len(labels) > SHOWN else labels)
