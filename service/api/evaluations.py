"""Across data sets: a checkpoint on another data set's test split, and many of them as one table."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from service import evaluations as submission
from service.api import following
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import EvaluationId, ExperimentId, ManyIds, Owner
from service.api.state import Live, Now, Reading, Writing
from service.domain.evaluation import (
    Evaluation,
    EvaluationList,
    EvaluationRequest,
    EvaluationTable,
    Reframing,
)
from service.storage import evaluations

router = APIRouter(
    prefix="/v1", tags=["evaluations"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.post("/experiments/{experiment_id}/evaluations", status_code=202)
def submit(
    *,
    experiment_id: ExperimentId,
    request: Annotated[EvaluationRequest, Body()],
    session: Writing,
    owner: Owner,
    now: Now,
    response: Response,
) -> Evaluation:
    """Store and enqueue; a worker that is free takes it before the next run. 409 until there is a checkpoint.

    The weights are those that `checkpoint` names when it is evaluated, and the epoch is then recorded. 422 where the
    data set has other classes than the network.
    """
    added = submission.submit(session, experiment_id, request, owner=owner, now=now)
    response.headers["Location"] = added.links["self"]
    return added


@router.get("/experiments/{experiment_id}/evaluations", response_model=EvaluationList)
def listing(experiment_id: ExperimentId, session: Reading, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
    """Its evaluations, the newest first."""
    return as_json(evaluations.listing(session, experiment_id, limit=limit))


@router.get("/experiments/{experiment_id}/evaluations/{evaluation_id}")
async def one(
    *,
    request: Request,
    experiment_id: ExperimentId,
    evaluation_id: EvaluationId,
    service: Live,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to hold the answer until it has ended")] = 0,
) -> Evaluation:
    """What has become of it so far."""
    return await following.ended_evaluation(
        service, experiment_id, evaluation_id, wait_seconds=wait, receive=request.receive
    )


@router.get("/evaluations", response_model=EvaluationTable)
def table(
    session: Reading,
    ids: ManyIds,
    framing: Annotated[Reframing, Query(description="Of evaluations so framed")] = Reframing.RECORDED,
) -> Response:
    """Networks by what they were trained on against data sets by which they were evaluated; null where none was asked.

    On a network's own data set stands what its run found at its end; elsewhere the newest completed evaluation.
    """
    return as_json(evaluations.table(session, ids, framing=framing))
