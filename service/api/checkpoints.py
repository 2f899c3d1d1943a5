"""Checkpoints: what is stored of an experiment's weights, and the weights themselves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from service import checkpoints as files
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId
from service.api.state import Live, Reading
from service.domain.checkpoint import WEIGHTS, CheckpointList
from service.storage import checkpoints

SAFETENSORS = "application/vnd.safetensors"

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}/checkpoints",
    tags=["checkpoints"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)
_Name = Annotated[str, Path(description="`best`, `last` or an epoch")]
_FILE = {"content": {SAFETENSORS: {"schema": {"type": "string", "format": "binary"}}}}


@router.get("")
def listing(experiment_id: ExperimentId, session: Reading) -> CheckpointList:
    """All that can be predicted from, `best` and `last` first."""
    return checkpoints.listing(session, experiment_id)


@router.get("/{checkpoint}/weights", response_class=Response, responses={200: _FILE})
def weights(experiment_id: ExperimentId, checkpoint: _Name, session: Reading, service: Live) -> Response:
    """The safetensors file, byte for byte as it was written; 409 where it is damaged or there is none yet."""
    found = checkpoints.named(session, experiment_id, checkpoint)
    content = files.read_file(service.settings.artifacts_dir, found, WEIGHTS)
    name = f"{experiment_id}-epoch-{found.epoch}.safetensors"
    headers = {"ETag": f'"{found.weights.sha256}"', "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=SAFETENSORS, headers=headers)
