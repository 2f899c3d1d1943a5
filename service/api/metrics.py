"""The figures of every epoch: read at once, or held until there are newer ones."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from service.api import following, tables
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId
from service.api.state import Live
from service.domain.metrics import EpochPage
from service.domain.spec import MAX_EPOCHS

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}/metrics",
    tags=["metrics"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.get(
    "", response_model=EpochPage, responses={200: tables.OTHER_FORMATS, 304: {"description": "Nothing is newer"}}
)
async def metrics(
    *,
    request: Request,
    experiment_id: ExperimentId,
    service: Live,
    after_epoch: Annotated[int, Query(ge=0, le=MAX_EPOCHS)] = 0,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to hold the answer while nothing is newer")] = 0,
    format: Annotated[tables.Format | None, Query()] = None,  # noqa: A002  # as it is called in the query
    accept: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The epochs above `after_epoch`."""
    found = await following.newer(service, experiment_id, after=after_epoch, wait_seconds=wait, receive=request.receive)
    return tables.answer(found, asked=format, accept=accept, after=after_epoch, if_none_match=if_none_match)
