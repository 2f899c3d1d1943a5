"""The worker processes."""

from fastapi import APIRouter, Depends, Response

from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.state import Reading
from service.domain.run import WorkerList
from service.storage import workers

router = APIRouter(
    prefix="/v1/workers", tags=["queue"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.get("", response_model=WorkerList)
def listing(session: Reading) -> Response:
    """All that are there or were within the hour, the living first."""
    return as_json(workers.listing(session))
