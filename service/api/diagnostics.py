"""What goes on inside the networks: saturation, dead units, gradients and updates, of one run or of several."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service import diagnostics
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId, LookedIntoIds
from service.api.state import Reading
from service.domain.diagnostics import DiagnosticsComparison, DiagnosticsPage
from service.domain.spec import MAX_EPOCHS

router = APIRouter(
    prefix="/v1", tags=["diagnostics"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.get("/experiments/{experiment_id}/diagnostics", response_model=DiagnosticsPage)
def one(
    experiment_id: ExperimentId, session: Reading, after_epoch: Annotated[int, Query(ge=0, le=MAX_EPOCHS)] = 0
) -> Response:
    """Layer by layer, the epochs above `after_epoch`; none where the run is older than its epochs are looked into."""
    return as_json(diagnostics.of(session, experiment_id, after=after_epoch))


@router.get("/diagnostics", response_model=DiagnosticsComparison)
def side_by_side(ids: LookedIntoIds, session: Reading) -> Response:
    """Up to 20 runs at the epochs that they have in common, and the newest of each."""
    return as_json(diagnostics.compare(session, ids))
