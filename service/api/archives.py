"""A run with all that is known of it as one file."""

from fastapi import APIRouter, Depends, Response

from service import archiving
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId
from service.api.state import Live

ZIP = "application/zip"
_CONTENT = {ZIP: {"schema": {"type": "string", "format": "binary"}}}

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}",
    tags=["experiments"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.get("/export", response_class=Response, responses={200: {"content": _CONTENT}})
def export(experiment_id: ExperimentId, service: Live) -> Response:
    """A zip file: `experiment.json` with spec and environment, `metrics.csv`, and what is said of it.

    That is `findings.json`, `history.json`, `notes.json`, `diagnostics.json` and `evaluations.json`. In any state, as
    it is now; the weights are at `checkpoints/{checkpoint}/safetensors`.
    """
    named = {"Content-Disposition": f'attachment; filename="{experiment_id}.zip"'}
    return Response(archiving.archive(service.database, experiment_id), media_type=ZIP, headers=named)
