"""What a trained network reads in an image."""

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from service import reading
from service.api.image_bodies import BODY_DOCUMENTATION, pictures
from service.api.openapi import no_unknown_parameters
from service.api.parameters import CheckpointChoice, ExperimentId
from service.api.state import Live
from service.domain.prediction import Predictions

router = APIRouter(prefix="/v1/experiments", tags=["predictions"], dependencies=[Depends(no_unknown_parameters)])


@router.post("/{experiment_id}/predictions", openapi_extra=BODY_DOCUMENTATION)
async def predict(
    experiment_id: ExperimentId, request: Request, service: Live, checkpoint: CheckpointChoice = "best"
) -> Predictions:
    """Decode, find the ink, frame it as the training set was, and answer with every class's probability."""
    sent = await pictures(request)
    return await run_in_threadpool(
        lambda: reading.read(
            service.database, service.models, experiment_id=experiment_id, checkpoint=checkpoint, pictures=sent()
        )
    )
