"""How an evaluation comes in: what is checked before it is stored."""

from collections.abc import Iterable
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
    require_same_classes(request.dataset, experiments.get(session, experiment_id).spec.dataset)
    return evaluations.add(session, experiment_id, request, evaluation_id=ids.new(), owner=owner, now=now)


def submit_for_the_end(
    session: Session, wanted: Iterable[tuple[str, str]], *, owner: str | None, now: datetime
) -> None:
    """The same for runs that have not ended: of each the best weights on a data set, once it has.

    By the experiment's id and the data set's name, whose classes are known to be the network's.
    """
    added = [(ids.new(), experiment_id, dataset) for experiment_id, dataset in wanted]
    evaluations.add_for_the_end(session, added, owner=owner, now=now)


def require_same_classes(name: str, learnt: DatasetChoice) -> None:
    """`InvalidSpecError` where a network that learnt from the one cannot be judged on the other."""
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
