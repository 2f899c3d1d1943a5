"""What has happened to a run."""

from fastapi import APIRouter, Depends, Response

from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId
from service.api.state import Reading
from service.domain.history import History
from service.storage import history

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}/history",
    tags=["experiments"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.get("", response_model=History)
def of_one(experiment_id: ExperimentId, session: Reading) -> Response:
    """Every event, the oldest first: queued, claimed by whom, resumed where, lost why, cancelled by whom, how it ended.

    Of more than 200 events the first 50 and the newest 150 are kept.
    """
    return as_json(history.of(session, experiment_id))
