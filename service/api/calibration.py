"""Softmax and cross-entropy: of one image step by step, and over a split against what is so."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from service import judgement
from service.analysis import reliability_chart, softmax_table
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG, ExperimentId, Judged
from service.api.state import Live
from service.api.tables import MEDIA_TYPES, OTHER_FORMATS, Chosen, Format
from service.domain.calibration import Calibration
from service.domain.softmax import Softmax, SplitSoftmax

MOST_IMAGES = 60_000
Temperature = Annotated[float, Query(ge=0.01, le=100, description="Logits are divided by it")]

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
    temperature: Temperature = 1.0,
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


@router.get("/logits", response_model=SplitSoftmax, responses={200: OTHER_FORMATS})
def logits(
    experiment_id: ExperimentId,
    service: Live,
    *,
    split: Judged = "test",
    temperature: Temperature = 1.0,
    offset: Annotated[int, Query(ge=0, description="Images of the split before the first that is listed")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_IMAGES, description="Images in the answer")] = 100,
    chosen: Chosen,
) -> Response:
    """A whole split: mean losses and gradients, and image by image logits, softmax, hard maximum, losses, margin."""
    found = judgement.softmax_of_split(
        service.evidence(experiment_id), split, temperature=temperature, offset=offset, limit=limit
    )
    match chosen:
        case Format.CSV:
            return Response(softmax_table.as_csv(found), media_type=MEDIA_TYPES[chosen])
        case Format.NDJSON:
            lines = "".join(f"{each.model_dump_json()}\n" for each in found.items)
            return Response(lines, media_type=MEDIA_TYPES[chosen])
        case Format.JSON:
            return as_json(found)


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
