"""An experiment as a stream of Server-Sent Events (HTML Living Standard, section 9.2)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from service.api import following
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId
from service.api.state import Live
from service.domain.spec import MAX_EPOCHS

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}/events",
    tags=["metrics"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)
_STREAM: dict[str, Any] = {"content": {"text/event-stream": {}}}
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@router.get("", response_class=StreamingResponse, responses={200: _STREAM})
async def events(
    request: Request,
    experiment_id: ExperimentId,
    service: Live,
    last_event_id: Annotated[
        int, Header(alias="Last-Event-ID", ge=0, le=MAX_EPOCHS, description="The last epoch that is known already")
    ] = 0,
) -> StreamingResponse:
    """`state`, `epoch` and `progress` as they happen, then `end` with the whole experiment."""
    first = await run_in_threadpool(following.snapshot, service.database, experiment_id, after=last_event_id)
    stream = following.events(service, first, after=last_event_id, request=request)
    return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)
