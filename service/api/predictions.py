"""What a trained network reads in an image."""

from fastapi import APIRouter, Depends, Request, Response

from service.api import readings, tables
from service.api.examination import Asked
from service.api.image_bodies import BODY_DOCUMENTATION
from service.api.openapi import no_unknown_parameters
from service.api.parameters import CheckpointChoice, ExperimentId
from service.api.state import Live
from service.domain.examination import ExaminedPredictions
from service.domain.prediction import Predictions
from service.named_weights import OfExperiment

router = APIRouter(prefix="/v1/experiments", tags=["predictions"], dependencies=[Depends(no_unknown_parameters)])


@router.post(
    "/{experiment_id}/predictions",
    openapi_extra=BODY_DOCUMENTATION,
    response_model=Predictions | ExaminedPredictions,
    responses={200: tables.OTHER_FORMATS},
)
async def predict(
    *,
    experiment_id: ExperimentId,
    request: Request,
    service: Live,
    chosen: tables.Chosen,
    asked: Asked,
    checkpoint: CheckpointChoice = "best",
) -> Response:
    """Decode, find the ink, frame it as the training set was, and answer with every class's probability.

    As CSV or NDJSON there is a line an image, sent on as the network is done with it. With `doctor`, `seen`, `abstain`
    or `segment` each answer is an `ExaminedPrediction`, with a verdict on the image.
    """
    return await readings.answer(service, request, OfExperiment(experiment_id, checkpoint), chosen=chosen, asked=asked)
