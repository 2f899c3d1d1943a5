"""What a trained network reads in an image."""

from collections.abc import Iterator

from fastapi import APIRouter, Depends, Request, Response

from service import reading
from service.api import prediction_tables, tables
from service.api.answers import as_json
from service.api.image_bodies import BODY_DOCUMENTATION, pictures
from service.api.openapi import no_unknown_parameters
from service.api.parameters import CheckpointChoice, ExperimentId
from service.api.state import Live
from service.domain.prediction import Prediction, Predictions

router = APIRouter(prefix="/v1/experiments", tags=["predictions"], dependencies=[Depends(no_unknown_parameters)])


@router.post(
    "/{experiment_id}/predictions",
    openapi_extra=BODY_DOCUMENTATION,
    response_model=Predictions,
    responses={200: tables.OTHER_FORMATS},
)
async def predict(
    *,
    experiment_id: ExperimentId,
    request: Request,
    service: Live,
    chosen: tables.Chosen,
    checkpoint: CheckpointChoice = "best",
) -> Response:
    """Decode, find the ink, frame it as the training set was, and answer with every class's probability.

    As CSV or NDJSON there is a line an image, sent on as the network is done with it.
    """
    sent = await pictures(request)

    if chosen is not tables.Format.JSON:

        def read_each() -> Iterator[Prediction]:
            return reading.read_each(
                service.database, service.models, experiment_id=experiment_id, checkpoint=checkpoint, pictures=sent()
            )

        return await prediction_tables.answer(read_each, chosen=chosen, names=sent.names)
    found = await service.predictor.read(experiment_id, checkpoint, sent, request.receive)
    return as_json(found.named(sent.names))
