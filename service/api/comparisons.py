"""Comparisons: many runs in one answer, as numbers, tables and pictures."""

from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from service import comparing
from service.analysis import aligned, charts, size_chart
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import could_exist
from service.api.state import Live, Service
from service.comparing import Chosen
from service.domain.comparison import MAX_RUNS, AlignedSeries, Comparison, Grouping
from service.domain.train_size import TrainSizes
from service.errors import FieldError, InvalidSpecError

MOST_POINTS = 1_000
DRAWN_POINTS = 25_000
"""Of all curves of a picture: with a hundred of them a panel is 380 pixels wide."""

router = APIRouter(
    prefix="/v1/comparisons",
    tags=["comparisons"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)

Ids = Annotated[list[str] | None, Query(description="Ids of experiments, divided by commas")]
Points = Annotated[
    int, Query(ge=2, le=MOST_POINTS, description="Epochs of a curve, at most some: of longer runs every so many")
]


def _chosen(
    ids: Ids = None, sweep_id: Annotated[str | None, Query(max_length=200, description="A sweep's id")] = None
) -> Chosen:
    if (ids is None) == (sweep_id is None):
        detail = "say which runs: either `ids=a,b,c` or `sweep_id=`"
        raise InvalidSpecError((FieldError(pointer="#/query/ids", detail=detail, code="missing"),))
    if sweep_id is not None:
        return Chosen(ids=(), sweep_id=could_exist("sweep")(sweep_id))
    return Chosen(ids=_several(part.strip() for part in ",".join(ids or ()).split(",")), sweep_id=None)


def _several(parts: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(could_exist("experiment")(part) for part in parts if part))
    if not 1 <= len(found) <= MAX_RUNS:
        detail = f"must be 1 to {MAX_RUNS} ids divided by commas, not {len(found)}"
        raise InvalidSpecError((FieldError(pointer="#/query/ids", detail=detail, code="out_of_range"),))
    return found


Runs = Annotated[Chosen, Depends(_chosen)]


@router.get("", response_model=Comparison)
def one(
    runs: Runs,
    service: Live,
    series: Annotated[bool, Query(description="With the curves")] = True,
    points: Points = 100,
    baseline: Annotated[str | None, Query(max_length=200, description="Hold all others against this one")] = None,
) -> Response:
    """What they differ in, how each went, means over seeds, and which are better than which, in words."""
    found = comparing.compare(
        service.database,
        service.settings.artifacts_dir,
        service.beside,
        runs,
        points=points if series else 0,
        baseline=baseline,
    )
    return as_json(found)


@router.get("/learning-curves.json", response_model=AlignedSeries)
def as_numbers(runs: Runs, service: Live, points: Points = MOST_POINTS) -> Response:
    """Every run's figures at the same epochs; null where it has none."""
    return as_json(comparing.series(comparing.read(service.database, runs, points=points)))


@router.get("/learning-curves.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def as_csv(runs: Runs, service: Live, points: Points = MOST_POINTS) -> Response:
    """A line for each epoch of each run."""
    found = comparing.series(comparing.read(service.database, runs, points=points))
    return Response(aligned.as_csv(found), media_type="text/csv")


@router.get("/learning-curves.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def as_png(runs: Runs, service: Live, group: Grouping = Grouping.NONE) -> Response:
    """The curves over each other; with `group=seeds` a group's mean, with a band of one standard deviation."""
    return Response(_drawn(service, runs, group, "png"), media_type="image/png")


@router.get("/learning-curves.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
def as_svg(runs: Runs, service: Live, group: Grouping = Grouping.NONE) -> Response:
    """The same picture, sharp at any size."""
    return Response(_drawn(service, runs, group, "svg"), media_type="image/svg+xml")


@router.get("/train-size", response_model=TrainSizes)
def train_size(runs: Runs, service: Live) -> Response:
    """Test error by number of training images, and the power law that it falls by; no law of fewer than three sizes."""
    return as_json(comparing.against_size(service.database, service.beside, runs))


@router.get("/train-size.png", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def train_size_png(runs: Runs, service: Live) -> Response:
    """Both logarithmic, with the law as a line, dashed where it goes beyond the sizes that were tried."""
    return Response(_drawn_sizes(service, runs, "png"), media_type="image/png")


@router.get("/train-size.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
def train_size_svg(runs: Runs, service: Live) -> Response:
    """The same picture, sharp at any size."""
    return Response(_drawn_sizes(service, runs, "svg"), media_type="image/svg+xml")


def _drawn(service: Service, runs: Chosen, group: Grouping, format: Literal["png", "svg"]) -> bytes:  # noqa: A002  # as in the path
    alike = group is not Grouping.NONE
    found = comparing.read(service.database, runs, points=MOST_POINTS, in_all=DRAWN_POINTS, alike=alike)
    if group is Grouping.NONE:
        curves = {each.label: aligned.own(each) for each in found.curves}
        return service.beside.call(charts.draw, curves, title=f"{len(curves)} runs", format=format)
    spreads = comparing.spreads(found)
    return service.beside.call(
        charts.draw,
        {label: each.mean for label, each in spreads.items()},
        title=f"{len(found.curves)} runs, means over seeds",
        format=format,
        bands={label: (each.below, each.above) for label, each in spreads.items()},
    )


def _drawn_sizes(service: Service, runs: Chosen, format: Literal["png", "svg"]) -> bytes:  # noqa: A002  # as in the path
    found = comparing.against_size(service.database, service.beside, runs)
    return service.beside.call(size_chart.draw, found, format=format)
