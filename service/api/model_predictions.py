"""What a version of a registered model reads in an image."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from service.api import readings, tables
from service.api.examination import Asked
from service.api.image_bodies import BODY_DOCUMENTATION
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ModelName
from service.api.state import Live
from service.domain.registry import ALIAS, LARGEST_VERSION, ExaminedModelPredictions, ModelPredictions
from service.errors import FieldError, InvalidSpecError
from service.named_weights import Choice, OfModel

router = APIRouter(prefix="/v1/models", tags=["models"], dependencies=[Depends(no_unknown_parameters)])


async def _choice(
    version: Annotated[int | None, Query(ge=1, le=LARGEST_VERSION, description="A version's number")] = None,
    alias: Annotated[str | None, Query(pattern=f"^{ALIAS}$", description="An alias in its place")] = None,
) -> Choice:
    if version is not None and alias is not None:
        detail = "version is given, too: at most one of the two"
        raise InvalidSpecError((FieldError(pointer="#/query/alias", detail=detail, code="one_of"),))
    return alias if version is None else version


@router.post(
    "/{model}/predictions",
    openapi_extra=BODY_DOCUMENTATION,
    response_model=ModelPredictions | ExaminedModelPredictions,
    responses={200: tables.OTHER_FORMATS},
)
async def predict(
    *,
    model: ModelName,
    request: Request,
    service: Live,
    chosen: tables.Chosen,
    asked: Asked,
    choice: Annotated[Choice, Depends(_choice)],
) -> Response:
    """As an experiment's predictions: by the version or alias, else by the `champion`, else by the newest version."""
    return await readings.answer(service, request, OfModel(model, choice), chosen=chosen, asked=asked)
