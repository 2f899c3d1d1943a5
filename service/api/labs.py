"""Lab sheets: what there is, their runs as one request, constraints, and the report as one HTML file."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import HTMLResponse

from service import comparing, laboratory, labs
from service.api.comparisons import Runs
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import BodySha256, IdempotencyKey, Owner
from service.api.quotas import Submitting
from service.api.state import Live, Now
from service.domain.lab import Language
from service.domain.lab_answers import LabAccepted, LabCheck, LabList, LabRequest, NamedLab
from service.report.view import POINTS, Sources

router = APIRouter(
    prefix="/v1/labs", tags=["labs"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)
_HTML = {"content": {"text/html": {"schema": {"type": "string"}}}}


def _known(name: str, service: Live) -> str:
    """Before anything else is asked: of a sheet that is not there no runs can be wrong."""
    labs.load(name, folder=service.settings.labs_dir)
    return name


Known = Annotated[str, Depends(_known)]


@router.get("")
def listing(service: Live) -> LabList:
    """The sheets; one that cannot be used says why."""
    return labs.listing(service.settings.labs_dir)


@router.get("/{name}")
def one(name: str, service: Live) -> NamedLab:
    """A whole sheet; 409 with all that is wrong where its file cannot be used."""
    return NamedLab(**dict(labs.load(name, folder=service.settings.labs_dir)), name=name)


@router.post("/{name}/runs", status_code=202)
def submit(
    *,
    name: str,
    request: Annotated[LabRequest, Body()] = LabRequest(),  # noqa: B008  # frozen
    session: Submitting,
    service: Live,
    owner: Owner,
    idempotency_key: IdempotencyKey = None,
    body_sha256: BodySha256,
    now: Now,
    response: Response,
) -> LabAccepted:
    """Store and enqueue all runs of a sheet as one sweep, or none; `{"offline": true}` on bundled data sets alone."""
    accepted = laboratory.submit(
        session,
        name,
        request,
        folder=service.settings.labs_dir,
        owner=owner,
        idempotency_key=idempotency_key,
        body_sha256=body_sha256,
        now=now,
    )
    response.headers["Location"] = f"/v1/sweeps/{accepted.sweep_id}"
    return accepted


@router.get("/{name}/check")
def check(name: Known, runs: Runs, service: Live) -> LabCheck:
    """Which of the sheet's constraints each experiment keeps to; null where that is not known yet."""
    found = comparing.chosen(service.database, runs)
    return laboratory.check(name, found, folder=service.settings.labs_dir)


@router.get("/{name}/report", response_class=HTMLResponse, responses={200: _HTML})
def report(name: Known, runs: Runs, service: Live, request: Request, lang: Language = "en") -> Response:
    """One HTML file that needs no other: every question with its tables, curves and verdicts, and the curl lines.

    Runs that have not finished are shown as such; experiments that are not the sheet's own come last.
    """
    sources = Sources(
        database=service.database,
        settings=service.settings,
        models=service.models,
        linearities=service.linearities,
        beside=service.beside,
        everything=comparing.read(service.database, runs, points=POINTS),
    )
    html = laboratory.report(
        name,
        sources,
        folder=service.settings.labs_dir,
        language=lang,
        url=str(request.base_url).rstrip("/"),
    )
    return HTMLResponse(html)
