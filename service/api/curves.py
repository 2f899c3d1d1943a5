"""Learning curves: as numbers, as a table, as a picture, and what there is to say of them."""

from typing import Literal

from fastapi import APIRouter, Depends, Response

from service.analysis import charts, curves, findings
from service.api import following
from service.api.answers import as_json
from service.api.following import Snapshot
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import ExperimentId
from service.api.state import Live, Service
from service.domain.curves import FindingList, LearningCurves

router = APIRouter(
    prefix="/v1/experiments/{experiment_id}",
    tags=["curves"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


@router.get("/learning-curves", response_model=LearningCurves)
def as_numbers(experiment_id: ExperimentId, service: Live) -> Response:
    """One series a figure, null where a value was not finite, and the comments on them."""
    return as_json(_commented(following.snapshot(service.database, experiment_id)))


@router.get("/findings", response_model=FindingList)
def comments(experiment_id: ExperimentId, service: Live) -> Response:
    """What the rules find in the curves, of a running experiment in those until now: never nothing, gravest first."""
    found = following.snapshot(service.database, experiment_id)
    said = findings.comment(found.experiment, found.epochs)
    return as_json(FindingList(experiment_id=experiment_id, state=found.experiment.state, items=said))


@router.get("/learning-curves.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def as_csv(experiment_id: ExperimentId, service: Live) -> Response:
    """A line an epoch."""
    found = following.snapshot(service.database, experiment_id)
    return Response(curves.as_csv(curves.learning_curves(found.epochs, best_epoch=None)), media_type="text/csv")


@router.get("/learning-curves.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def as_png(experiment_id: ExperimentId, service: Live) -> Response:
    """Accuracy and loss side by side, the best epoch ringed, the epochs of each problem that was found underlined."""
    return Response(_drawn(service, experiment_id, "png"), media_type="image/png")


@router.get("/learning-curves.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
def as_svg(experiment_id: ExperimentId, service: Live) -> Response:
    """The same picture, sharp at any size."""
    return Response(_drawn(service, experiment_id, "svg"), media_type="image/svg+xml")


def _commented(found: Snapshot) -> LearningCurves:
    best, said = found.experiment.best, findings.comment(found.experiment, found.epochs)
    return curves.learning_curves(found.epochs, best_epoch=best.epoch if best else None, findings=said)


def _drawn(service: Service, experiment_id: str, format: Literal["png", "svg"]) -> bytes:  # noqa: A002  # as in the path
    found = following.snapshot(service.database, experiment_id)
    spec = found.experiment.spec
    label = f"{spec.dataset.name} {spec.architecture.name} {spec.activation}"
    curves_by_name = {label: _commented(found)}
    return service.beside.call(charts.draw, curves_by_name, title=found.experiment.name, format=format)
