"""What a version of a registered model reads in an image."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from service import registry
from service.api.image_bodies import BODY_DOCUMENTATION, pictures
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ModelName
from service.api.state import Live
from service.domain.registry import ALIAS, LARGEST_VERSION, ModelPredictions
from service.errors import FieldError, InvalidSpecError
from service.registry import Choice

router = APIRouter(prefix="/v1/models", tags=["models"], dependencies=[Depends(no_unknown_parameters)])


async def _choice(
    version: Annotated[int | None, Query(ge=1, le=LARGEST_VERSION, description="A version's number")] = None,
    alias: Annotated[str | None, Query(pattern=f"^{ALIAS}$", description="An alias in its place")] = None,
) -> Choice:
    if version is not None and alias is not None:
        detail = "version is given, too: at most one of the two"
        raise InvalidSpecError((FieldError(pointer="#/query/alias", detail=detail, code="one_of"),))
    return alias if version is None else version


@router.post("/{model}/predictions", openapi_extra=BODY_DOCUMENTATION)
async def predict(
    model: ModelName, request: Request, service: Live, choice: Annotated[Choice, Depends(_choice)]
) -> ModelPredictions:
    """As an experiment's predictions: by the version or alias, else by the `champion`, else by the newest version."""
    sent = await pictures(request)
    return await run_in_threadpool(
        lambda: registry.read(service.database, service.models, model=model, choice=choice, pictures=sent())
    )
