"""What each layer makes of an image, and how one of its numbers comes about."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service.analysis import inside_pictures
from service.api.answers import as_json
from service.api.looking import BODY_DOCUMENTATION, Layer, WithImage, as_png
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG
from service.domain.feature_maps import Activations, Format, Position
from service.inference import feature_maps, positions

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}/activations",
    tags=["inside"],
    dependencies=[Depends(no_unknown_parameters)],
)
_Maps = Annotated[int, Query(ge=1, le=feature_maps.MOST_MAPS, description="Most maps of a layer")]
_Format = Annotated[Format, Query(description="Maps as small PNGs or as numbers; layers without maps are numbers")]
_Place = Annotated[int, Query(ge=0, le=65_536)]


@router.post("", response_model=Activations, openapi_extra=BODY_DOCUMENTATION)
def activations(
    subject: WithImage,
    layer: Layer = None,
    maps: _Maps = 64,
    format: _Format = Format.PNG,  # noqa: A002
) -> Response:
    """Every layer's feature maps of one image, or those of one layer, then the logits."""
    return as_json(feature_maps.describe(subject, layer=layer, maps=maps, format=format))


@router.post(".png", openapi_extra=BODY_DOCUMENTATION, response_class=Response, responses=PNG)
def as_picture(subject: WithImage, layer: Layer = None, maps: _Maps = 64) -> Response:
    """One layer's maps as a contact sheet; by default the first layer's that has weights."""
    return as_png(inside_pictures.of_feature_maps(feature_maps.of_one_layer(subject, layer=layer, maps=maps)))


@router.post("/position", response_model=Position, openapi_extra=BODY_DOCUMENTATION)
def position(
    subject: WithImage,
    layer: Layer = None,
    map: Annotated[_Place, Query(description="Output channel of a convolution, unit of a dense layer")] = 0,  # noqa: A002
    row: _Place = 0,
    column: _Place = 0,
) -> Response:
    """One number of a convolution or dense layer: the patch it sees, times its kernel, plus its bias."""
    return as_json(positions.describe(subject, layer=layer, map=map, row=row, column=column))
