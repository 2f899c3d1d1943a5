"""Softmax and cross-entropy: of one image step by step, and over a split against what is so."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service import judgement
from service.analysis import reliability_chart
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG, ExperimentId, Judged
from service.api.state import Live
from service.domain.calibration import Calibration
from service.domain.softmax import Softmax

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}",
    tags=["calibration"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.get("/softmax", response_model=Softmax)
def softmax(
    experiment_id: ExperimentId,
    service: Live,
    *,
    split: Judged = "test",
    index: Annotated[
        int, Query(ge=0, description="The image's place in the test split, or in the training split for `validation`")
    ] = 0,
    temperature: Annotated[float, Query(ge=0.01, le=100, description="Logits are divided by it")] = 1.0,
    of_class: Annotated[
        int | None,
        Query(alias="class", ge=0, description="Whose softmax is differentiated; else the prediction's"),
    ] = None,
) -> Response:
    """One image: logits, softmax, hard maximum, losses, and how each changes with the logits."""
    found = service.evidence(experiment_id)
    return as_json(
        judgement.softmax_of(found, service.settings, split, index, temperature=temperature, of_class=of_class)
    )


@router.get("/calibration", response_model=Calibration)
def calibration(experiment_id: ExperimentId, service: Live, split: Judged = "test") -> Response:
    """Cross-entropy against 0/1 loss, confidence against accuracy, margins, and the temperature that would fit best."""
    return as_json(judgement.calibration(service.evidence(experiment_id), split))


@router.get("/calibration.png", response_class=Response, responses=PNG)
def calibration_as_png(experiment_id: ExperimentId, service: Live, split: Judged = "test") -> Response:
    """The reliability diagram."""
    found = service.evidence(experiment_id)
    drawn = reliability_chart.draw(judgement.calibration(found, split), title=judgement.title(found, "Reliability"))
    return Response(drawn, media_type="image/png")
