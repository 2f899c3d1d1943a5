"""What a version of a registered model reads in an image."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service import registry
from service.api import prediction_tables, tables
from service.api.answers import as_json
from service.api.image_bodies import BODY_DOCUMENTATION, pictures
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ModelName
from service.api.state import Live
from service.domain.registry import ALIAS, LARGEST_VERSION, ModelPredictions
from service.errors import FieldError, InvalidSpecError
from service.registry import Choice

router = APIRouter(prefix="/v1/models", tags=["models"], dependencies=[Depends(no_unknown_parameters)])
Answer = TypeVar("Answer")


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
    response_model=ModelPredictions,
    responses={200: tables.OTHER_FORMATS},
)
async def predict(
    *,
    model: ModelName,
    request: Request,
    service: Live,
    chosen: tables.Chosen,
    choice: Annotated[Choice, Depends(_choice)],
) -> Response:
    """As an experiment's predictions: by the version or alias, else by the `champion`, else by the newest version."""
    sent = await pictures(request)

    def ask(read: Callable[..., Answer]) -> Answer:
        return read(service.database, service.models, model=model, choice=choice, pictures=sent())

    if chosen is not tables.Format.JSON:
        return await prediction_tables.answer(lambda: ask(registry.read_each), chosen=chosen, names=sent.names)
    found = await run_in_threadpool(ask, registry.read)
    return as_json(found.named(sent.names))
