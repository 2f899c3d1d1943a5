"""Specs looked at without a run: the network that one describes, and that of a stored experiment."""

from fastapi import APIRouter, Depends, Response

from service import submission
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId, Spec
from service.api.state import Live, Reading
from service.domain.preview import Model, Preview

router = APIRouter(prefix="/v1", tags=["specs"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)])


@router.post("/specs/preview", response_model=Preview)
def preview(spec: Spec, session: Reading) -> Response:
    """The spec with its defaults written out, its network layer by layer with every sum, and the function it computes.

    Beside it stands a network of the other kind, dense or convolutional, of as many layers.
    """
    return as_json(submission.preview(session, spec))


@router.get("/experiments/{experiment_id}/model", response_model=Model)
def model(experiment_id: ExperimentId, service: Live) -> Response:
    """The same for a stored experiment; of a completed one, also what its hidden layers add.

    Affine layers, as with `identity`, are multiplied out to the one map that they are, and the two are compared on the
    test split. Of any other network it tells how much of its logits a linear map predicts.
    """
    return as_json(submission.model(service.database, service.linearities, experiment_id))
