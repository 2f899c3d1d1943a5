"""What a trained network reads in an image."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from service import examining, reading
from service.api import prediction_tables, tables
from service.api.answers import as_json
from service.api.image_bodies import BODY_DOCUMENTATION, pictures
from service.api.openapi import no_unknown_parameters
from service.api.parameters import CheckpointChoice, ExperimentId
from service.api.state import Live
from service.domain.examination import ExaminedPredictions
from service.domain.prediction import Prediction, Predictions
from service.errors import FieldError, InvalidSpecError

router = APIRouter(prefix="/v1/experiments", tags=["predictions"], dependencies=[Depends(no_unknown_parameters)])


async def _examination(
    *,
    doctor: Annotated[
        bool, Query(description="Say of each image whether it is a digit like those learnt from")
    ] = False,
    seen: Annotated[bool, Query(description="As `doctor`, with what the network saw as a PNG")] = False,
    abstain: Annotated[bool, Query(description="As `doctor`; `digit` is null where the verdict is `no_digit`")] = False,
    segment: Annotated[bool, Query(description="As `doctor`, of every digit on the one picture that is sent")] = False,
    chosen: tables.Chosen,
) -> examining.Asked | None:
    """What is asked of the doctor, who answers in JSON; None: nothing."""
    if not (doctor or seen or abstain or segment):
        return None
    if chosen is not tables.Format.JSON:
        detail = "the doctor answers in JSON only: leave out doctor, seen, abstain and segment, or the format"
        raise InvalidSpecError((FieldError(pointer="#/query/format", detail=detail, code="not_with_the_doctor"),))
    return examining.Asked(seen=seen, abstain=abstain, segment=segment)


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
    asked: Annotated[examining.Asked | None, Depends(_examination)],
    checkpoint: CheckpointChoice = "best",
) -> Response:
    """Decode, find the ink, frame it as the training set was, and answer with every class's probability.

    As CSV or NDJSON there is a line an image, sent on as the network is done with it. With `doctor`, `seen`, `abstain`
    or `segment` each answer is an `ExaminedPrediction`, with a verdict on the image.
    """
    sent = await pictures(request)

    if asked is not None:

        def examined() -> ExaminedPredictions:
            return examining.read(
                service.database,
                service.models,
                service.acquaintance,
                experiment_id=experiment_id,
                checkpoint=checkpoint,
                pictures=sent(),
                asked=asked,
            )

        return as_json((await run_in_threadpool(examined)).named(sent.names))
    if chosen is not tables.Format.JSON:

        def read_each() -> Iterator[Prediction]:
            return reading.read_each(
                service.database, service.models, experiment_id=experiment_id, checkpoint=checkpoint, pictures=sent()
            )

        return await prediction_tables.answer(read_each, chosen=chosen, names=sent.names)
    found = await service.predictor.read(experiment_id, checkpoint, sent, request.receive)
    return as_json(found.named(sent.names))
