"""A trained network as a file that runs without Ardoise."""

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Path, Response
from starlette.concurrency import run_in_threadpool

from service import exporting
from service.api.checkpoints import SAFETENSORS
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId
from service.api.state import Live, Service
from service.domain.export import EXPORT_PATHS, ExportCard, ExportFormat
from service.inference.models import Model

PARITY_HEADER = "X-Ardoise-Parity"
MEDIA_TYPES = {
    ExportFormat.ONNX: "application/octet-stream",  # nothing is registered for it
    ExportFormat.SAFETENSORS: SAFETENSORS,
    ExportFormat.PT2: "application/zip",
}

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}/checkpoints/{checkpoint}",
    tags=["checkpoints"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)
_Name = Annotated[str, Path(description="`best`, `last` or an epoch")]
Known = Annotated[str | None, Header(alias="If-None-Match")]


def documented(kind: ExportFormat) -> dict[int | str, dict[str, Any]]:
    """What such a file is answered with."""
    header = {
        "description": "The largest difference of a logit from the checkpoint's, found when the file was made",
        "schema": {"type": "number"},
    }
    content = {MEDIA_TYPES[kind]: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"content": content, "headers": {PARITY_HEADER: header}}, 304: {"description": "It is known already"}}


@router.get(f"/{EXPORT_PATHS[ExportFormat.ONNX]}", response_class=Response, responses=documented(ExportFormat.ONNX))
async def onnx(experiment_id: ExperimentId, checkpoint: _Name, service: Live, known: Known = None) -> Response:
    """Greys of 0..255 in, `(batch, 1, height, width)`; `logits` and `probabilities` out; run in ONNX Runtime first."""
    return await _file(service, experiment_id, checkpoint, ExportFormat.ONNX, known)


@router.get(
    f"/{EXPORT_PATHS[ExportFormat.SAFETENSORS]}",
    response_class=Response,
    responses=documented(ExportFormat.SAFETENSORS),
)
async def safetensors(experiment_id: ExperimentId, checkpoint: _Name, service: Live, known: Known = None) -> Response:
    """The weights with their layers, labels and preprocessing in the header; `weights` has none of these."""
    return await _file(service, experiment_id, checkpoint, ExportFormat.SAFETENSORS, known)


@router.get(f"/{EXPORT_PATHS[ExportFormat.PT2]}", response_class=Response, responses=documented(ExportFormat.PT2))
async def exported(experiment_id: ExperimentId, checkpoint: _Name, service: Live, known: Known = None) -> Response:
    """A package for `torch.export.load`, the same in and out as ONNX; the first time it takes seconds to make."""
    return await _file(service, experiment_id, checkpoint, ExportFormat.PT2, known)


async def _file(
    service: Service, experiment_id: str, checkpoint: str, kind: ExportFormat, known: str | None
) -> Response:
    find = partial(
        exporting.of_checkpoint, service.database, service.models, experiment_id=experiment_id, checkpoint=checkpoint
    )
    card, model = await run_in_threadpool(find, kind=kind)
    return await answer(service, card, model, name=f"{experiment_id}-epoch-{card.epoch}", known=known)


async def answer(service: Service, card: ExportCard, model: Model, *, name: str, known: str | None) -> Response:
    """The file with this card, made where it is not kept; 304 where the client has it already."""
    kind = card.format
    made = service.exports.kept(card)
    if made is None:
        made = await to_thread.run_sync(service.exports.get, card, model, limiter=service.export_turns[kind])
    headers = {"ETag": f'"{made.sha256}"', PARITY_HEADER: str(made.parity)}
    if headers["ETag"] in [tag.strip().removeprefix("W/") for tag in (known or "").split(",")]:
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return Response(made.content, media_type=MEDIA_TYPES[kind], headers=headers)
