"""A version of a registered model as a file that runs without Ardoise."""

from functools import partial

from fastapi import APIRouter, Depends, Response
from starlette.concurrency import run_in_threadpool

from service import exporting
from service.api.exports import Known, answer, documented
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ModelName, VersionNumber
from service.api.state import Live, Service
from service.domain.export import EXPORT_PATHS, ExportFormat

router = APIRouter(
    prefix="/v1/models/{model}/versions/{version}",
    tags=["models"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.get(f"/{EXPORT_PATHS[ExportFormat.ONNX]}", response_class=Response, responses=documented(ExportFormat.ONNX))
async def onnx(model: ModelName, version: VersionNumber, service: Live, known: Known = None) -> Response:
    """As an experiment's, and there for as long as the version is."""
    return await _file(service, model, version, ExportFormat.ONNX, known)


@router.get(
    f"/{EXPORT_PATHS[ExportFormat.SAFETENSORS]}",
    response_class=Response,
    responses=documented(ExportFormat.SAFETENSORS),
)
async def safetensors(model: ModelName, version: VersionNumber, service: Live, known: Known = None) -> Response:
    """As an experiment's, and there for as long as the version is."""
    return await _file(service, model, version, ExportFormat.SAFETENSORS, known)


@router.get(f"/{EXPORT_PATHS[ExportFormat.PT2]}", response_class=Response, responses=documented(ExportFormat.PT2))
async def exported(model: ModelName, version: VersionNumber, service: Live, known: Known = None) -> Response:
    """As an experiment's, and there for as long as the version is."""
    return await _file(service, model, version, ExportFormat.PT2, known)


async def _file(service: Service, name: str, version: int, kind: ExportFormat, known: str | None) -> Response:
    find = partial(exporting.of_version, service.database, service.models, model=name, version=version)
    card, network = await run_in_threadpool(find, kind=kind)
    return await answer(service, card, network, name=f"{name}-{version}", known=known)
