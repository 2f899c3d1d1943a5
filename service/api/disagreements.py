"""Test images that several runs read differently."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service import disagreements as readings
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG, FewIds, ImageLimit
from service.api.state import Live
from service.domain.disagreements import Disagreements

router = APIRouter(prefix="/v1", tags=["errors"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)])
_Only = Annotated[str | None, Query(max_length=60, description="One of the ids: images that it alone reads right")]


@router.get("/disagreements", response_model=Disagreements)
def disagreements(service: Live, ids: FewIds, only: _Only = None, limit: ImageLimit = 50) -> Response:
    """The images, the widest margin first; for each pair of runs who is right how often, and McNemar's test."""
    runs = [*map(service.evidence, ids)]
    return as_json(readings.between(runs, service.settings, only=only, limit=limit))


@router.get("/disagreements.png", response_class=Response, responses=PNG)
def disagreements_as_png(service: Live, ids: FewIds, only: _Only = None, limit: ImageLimit = 50) -> Response:
    """The same as a contact sheet: below each image what it is, and what the runs read, in their order."""
    drawn = readings.contact_sheet([*map(service.evidence, ids)], service.settings, only=only, limit=limit)
    return Response(drawn, media_type="image/png")
