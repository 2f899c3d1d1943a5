"""Sweeps: many experiments at once, looked at and cancelled together."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response

from service import submission
from service.api.answers import as_json
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import BodySha256, IdempotencyKey, Owner, SweepId
from service.api.quotas import Submitting
from service.api.state import Now, Reading, Writing
from service.domain.sweep import Sweep, SweepAccepted, SweepRequest
from service.storage import sweeps

router = APIRouter(
    prefix="/v1/sweeps", tags=["sweeps"], route_class=JsonRoute, dependencies=[Depends(no_unknown_parameters)]
)


@router.post("", status_code=202)
def submit(
    *,
    request: Annotated[SweepRequest, Body()],
    session: Submitting,
    owner: Owner,
    idempotency_key: IdempotencyKey = None,
    body_sha256: BodySha256,
    now: Now,
    response: Response,
) -> SweepAccepted:
    """Store and enqueue every combination of the grid with every sample and seed, all or none; at most 1,000."""
    accepted = submission.sweep(
        session, request, owner=owner, idempotency_key=idempotency_key, body_sha256=body_sha256, now=now
    )
    response.headers["Location"] = f"/v1/sweeps/{accepted.id}"
    return accepted


@router.get("/{sweep_id}", response_model=Sweep)
def one(sweep_id: SweepId, session: Reading) -> Response:
    """How many of its experiments are in which state, and all of them in their order."""
    return as_json(sweeps.get(session, sweep_id))


@router.post("/{sweep_id}/cancel", status_code=202)
def cancel(sweep_id: SweepId, session: Writing, now: Now, response: Response, owner: Owner) -> Sweep:
    """Those that are queued end at once, those that run with their batch; those that have ended stay as they are."""
    response.headers["Location"] = f"/v1/sweeps/{sweep_id}"
    return sweeps.cancel(session, sweep_id, now=now, by=owner)
