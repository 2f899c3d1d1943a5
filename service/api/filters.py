"""A layer's weights: as numbers, as a picture."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service.analysis import inside_pictures
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.looking import Layer, Network, as_png
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG
from service.domain.filters import Filters
from service.inference import filters

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}",
    tags=["inside"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)
_Channel = Annotated[int | None, Query(ge=0, le=65_536, description="An input channel; default: the mean of all")]
_Offset = Annotated[int, Query(ge=0, le=65_536, description="The first tile")]
_Limit = Annotated[int, Query(ge=1, le=1024, description="Most tiles")]


@router.get("/filters", response_model=Filters)
def as_numbers(
    network: Network, layer: Layer = None, channel: _Channel = None, offset: _Offset = 0, limit: _Limit = 100
) -> Response:
    """A tile an output channel or unit, of the first layer with weights or of the one that is named."""
    return as_json(filters.describe(network, layer=layer, channel=channel, offset=offset, limit=limit))


@router.get("/filters.png", response_class=Response, responses=PNG)
def as_picture(
    network: Network, layer: Layer = None, channel: _Channel = None, offset: _Offset = 0, limit: _Limit = 100
) -> Response:
    """The same as a contact sheet: blue below zero, pale at zero, orange above, the scale written below."""
    found = filters.describe(network, layer=layer, channel=channel, offset=offset, limit=limit)
    return as_png(inside_pictures.of_filters(found))
