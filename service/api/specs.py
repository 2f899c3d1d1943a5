"""Specs looked at without a run: the network that one describes, and that of a stored experiment."""

from fastapi import APIRouter, Depends

from service import submission
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId, Spec
from service.api.state import Reading
from service.domain.preview import Preview
from service.storage import experiments

router = APIRouter(prefix="/v1", tags=["specs"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)])


@router.post("/specs/preview")
def preview(spec: Spec) -> Preview:
    """The spec with its defaults written out, and its network layer by layer with every sum."""
    return submission.preview(spec)


@router.get("/experiments/{experiment_id}/model")
def model(experiment_id: ExperimentId, session: Reading) -> Preview:
    """The same for a stored experiment."""
    return submission.preview(experiments.get(session, experiment_id).spec)
