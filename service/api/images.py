"""The images of the data sets, and what became of one of them over a run."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from service import image_history, samples
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import PNG, ExperimentId, ImageIndex
from service.api.state import Live
from service.domain.image_history import ImageHistory
from service.domain.splits import DatasetSplit

router = APIRouter(prefix="/v1", tags=["images"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)])
_Split = Annotated[DatasetSplit, Query(description="`test`, or `train`, which validation is taken from")]


@router.get("/datasets/{name}/samples.png", response_class=Response, responses=PNG)
def dataset_samples(name: str, service: Live, split: _Split = "train") -> Response:
    """The first ten images of every class; 503 where the data set is not on this machine."""
    return Response(samples.contact_sheet(service.settings, name, split), media_type="image/png")


@router.get("/datasets/{name}/images/{index}.png", response_class=Response, responses=PNG)
def dataset_image(name: str, index: ImageIndex, service: Live, split: _Split = "test") -> Response:
    """One image, pixel for pixel; 503 where the data set is not on this machine."""
    return Response(samples.image(service.settings, name, split, index), media_type="image/png")


@router.get("/experiments/{experiment_id}/images/{index}/history", response_model=ImageHistory)
def history(
    experiment_id: ExperimentId,
    index: ImageIndex,
    service: Live,
    split: Annotated[Literal["test"], Query(description="The only one there is a history of")] = "test",  # noqa: ARG001
) -> Response:
    """What the weights of every stored epoch read in a test image; all are stored with `checkpoints.keep` `all`."""
    return as_json(
        image_history.of_image(
            service.database, service.settings, service.models, experiment_id=experiment_id, index=index
        )
    )
