"""Which pixels an answer rests on: slopes, occlusions, and the whole account of a linear network."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service.analysis import inside_pictures
from service.api.answers import as_json
from service.api.looking import BODY_DOCUMENTATION, Asked, WithImage, as_png
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG
from service.domain.saliency import Contributions, Input, Method, Saliency, Target, Windows
from service.inference import contributions, saliency

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}", tags=["inside"], dependencies=[Depends(no_unknown_parameters)]
)


async def _windows(
    window: Annotated[int | None, Query(ge=1, le=64, description="Occlusion; default: a seventh of the side")] = None,
    stride: Annotated[int | None, Query(ge=1, le=64, description="Occlusion; default: as small as is quick")] = None,
) -> Windows:
    return Windows(window=window, stride=stride)


def _found(
    subject: WithImage,
    asked: Asked,
    windows: Annotated[Windows, Depends(_windows)],
    method: Annotated[Method, Query(description="The slope at each pixel, or what is lost under a window")] = (
        Method.GRADIENT
    ),
    target: Annotated[Target, Query(description="What is looked at; `gap`: the logit less that of `against`")] = (
        Target.LOGIT
    ),
) -> Saliency:
    return saliency.describe(subject, method=method, target=target, asked=asked, windows=windows)


def _accounted(
    subject: WithImage,
    asked: Asked,
    input: Annotated[  # noqa: A002
        Input, Query(description="`ink`: grey on the scale 0..1, so that the ground has no part")
    ] = Input.STANDARDISED,
) -> Contributions:
    return contributions.describe(subject, asked=asked, input=input)


_Found = Annotated[Saliency, Depends(_found)]
_Accounted = Annotated[Contributions, Depends(_accounted)]


@router.post("/saliency", response_model=Saliency, openapi_extra=BODY_DOCUMENTATION)
def saliency_as_numbers(found: _Found) -> Response:
    """A number a pixel: how the digit's logit, gap or probability depends on it."""
    return as_json(found)


@router.post("/saliency.png", openapi_extra=BODY_DOCUMENTATION, response_class=Response, responses=PNG)
def saliency_as_picture(found: _Found) -> Response:
    """The image, the map, and both together."""
    return as_png(inside_pictures.of_saliency(found))


@router.post("/contributions", response_model=Contributions, openapi_extra=BODY_DOCUMENTATION)
def contributions_as_numbers(found: _Accounted) -> Response:
    """A linear network's logit gap, pixel by pixel: their sum and the bias are the gap. 409 for other networks."""
    return as_json(found)


@router.post("/contributions.png", openapi_extra=BODY_DOCUMENTATION, response_class=Response, responses=PNG)
def contributions_as_picture(found: _Accounted) -> Response:
    """The image, each pixel's weight, and their product."""
    return as_png(inside_pictures.of_contributions(found))
