"""The queue and those who work on it."""

from fastapi import APIRouter, Depends, Response

from service import room
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.state import Live, Reading
from service.domain.run import QueueFacts
from service.storage import queue

router = APIRouter(
    prefix="/v1/queue", tags=["queue"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.get("", response_model=QueueFacts)
def facts(session: Reading, service: Live) -> Response:
    """What waits, in the order in which it will be taken, and what runs."""
    return as_json(room.explain_queue(queue.facts(session), service.database, service.settings))
