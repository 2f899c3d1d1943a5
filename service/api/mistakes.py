"""What a finished run reads wrong: counted by class, and image by image."""

from fastapi import APIRouter, Depends, Response

from service import judgement
from service.analysis import confusion_chart
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG, ClassNumber, ExperimentId, ImageLimit, Judged
from service.api.state import Live
from service.domain.confusion import Confusion
from service.domain.mistakes import Mistakes

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}",
    tags=["errors"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.get("/confusion", response_model=Confusion)
def confusion(experiment_id: ExperimentId, service: Live, split: Judged = "test") -> Response:
    """A row for each true class, a column for each class read; precision, recall and F1 of each."""
    return as_json(judgement.confusion(service.evidence(experiment_id), split))


@router.get("/confusion.png", response_class=Response, responses=PNG)
def confusion_as_png(experiment_id: ExperimentId, service: Live, split: Judged = "test") -> Response:
    """The same as a picture."""
    found = service.evidence(experiment_id)
    title = judgement.title(found, f"Confusion ({split})")
    return Response(confusion_chart.draw(judgement.confusion(found, split), title=title), media_type="image/png")


@router.get("/mistakes", response_model=Mistakes)
def mistakes(
    experiment_id: ExperimentId,
    service: Live,
    *,
    split: Judged = "test",
    label: ClassNumber = None,
    prediction: ClassNumber = None,
    limit: ImageLimit = 50,
) -> Response:
    """The images that are read wrong, the largest loss first, with `label` and `prediction` those of one cell of the
    confusion matrix; of a cell on its diagonal, the images that are read right, the least sure first."""
    found = service.evidence(experiment_id)
    return as_json(judgement.worst(found, service.settings, split, label=label, prediction=prediction, limit=limit))


@router.get("/mistakes.png", response_class=Response, responses=PNG)
def mistakes_as_png(
    experiment_id: ExperimentId,
    service: Live,
    *,
    split: Judged = "test",
    label: ClassNumber = None,
    prediction: ClassNumber = None,
    limit: ImageLimit = 50,
) -> Response:
    """The same as a contact sheet: below each image what it is, what it is read as, how surely, and its index."""
    found = service.evidence(experiment_id)
    drawn = judgement.contact_sheet(found, service.settings, split, label=label, prediction=prediction, limit=limit)
    return Response(drawn, media_type="image/png")
