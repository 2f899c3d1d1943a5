"""Experiments: submit, list, look at one, cancel, continue, reproduce, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Response

from service import room, submission
from service.api.answers import as_json
from service.api.compression import Encodings, packed
from service.api.json_bodies import JsonRoute
from service.api.openapi import no_unknown_parameters
from service.api.parameters import BodySha256, ExperimentId, IdempotencyKey, Owner, Spec, Word
from service.api.quotas import Submitting
from service.api.state import Live, Now, Reading, Writing
from service.domain.experiment import Experiment, ExperimentPage, State
from service.domain.preview import Preview
from service.domain.record import Record
from service.domain.spec import MAX_EPOCHS, ActivationName, ArchitectureName, DatasetName
from service.storage import experiments, listing
from service.storage.listing import Filters, Sort

router = APIRouter(
    prefix="/v1/experiments",
    tags=["experiments"],
    route_class=JsonRoute,
    dependencies=[Depends(no_unknown_parameters)],
)


class Continuation(Record):
    """How much further a finished experiment is trained."""

    epochs: Annotated[int, Body(ge=1, le=MAX_EPOCHS, strict=True)]


@router.post("", status_code=202, response_model=Experiment, responses={200: {"model": Preview}})
def submit(
    *,
    spec: Spec,
    session: Submitting,
    owner: Owner,
    idempotency_key: IdempotencyKey = None,
    body_sha256: BodySha256,
    now: Now,
    response: Response,
    dry_run: Annotated[bool, Query(description="Check and describe only; nothing is stored")] = False,
) -> Any:
    """Store and enqueue. Once this has answered 202, the experiment survives whatever happens."""
    if dry_run:
        return as_json(submission.preview(session, spec))
    added = submission.submit(
        session, spec, owner=owner, idempotency_key=idempotency_key, body_sha256=body_sha256, now=now
    )
    return _accepted(added, response)


async def _filters(
    *,
    state: State | None = None,
    dataset: DatasetName | None = None,
    architecture: ArchitectureName | None = None,
    activation: ActivationName | None = None,
    tag: Word | None = None,
    sweep_id: Word | None = None,
    owner: Word | None = None,
    name: Word | None = None,
) -> Filters:
    return Filters(
        state=state,
        dataset=dataset,
        architecture=architecture,
        activation=activation,
        tag=tag,
        sweep_id=sweep_id,
        owner=owner,
        name=name,
    )


@router.get("", response_model=ExperimentPage)
def page(
    *,
    session: Reading,
    filters: Annotated[Filters, Depends(_filters)],
    sort: Sort = Sort.CREATED_AT_DESCENDING,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
    encodings: Encodings = None,
) -> Response:
    """A page of the list; with `next_cursor` as `cursor` the next one, correct while experiments come and go."""
    return packed(as_json(listing.page(session, filters, sort=sort, limit=limit, cursor=cursor)), encodings)


@router.get("/{experiment_id}", response_model=Experiment)
def one(experiment_id: ExperimentId, session: Reading, service: Live) -> Response:
    """What has become of it so far."""
    return as_json(room.explain(experiments.get(session, experiment_id), service.database, service.settings))


@router.delete("/{experiment_id}", status_code=204)
def delete(experiment_id: ExperimentId, service: Live) -> None:
    """Its metrics, checkpoints and files are gone when this answers; 409 while it runs."""
    submission.delete(service.database, service.settings.artifacts_dir, experiment_id)
    service.exports.forget(experiment_id)
    service.models.forget(experiment_id)


@router.post("/{experiment_id}/cancel", status_code=202)
def cancel(experiment_id: ExperimentId, session: Writing, now: Now, response: Response, owner: Owner) -> Experiment:
    """A queued one ends at once, a running one with its batch; 409 where it has ended."""
    return _accepted(experiments.cancel(session, experiment_id, now=now, by=owner), response)


@router.post("/{experiment_id}/continue", status_code=202)
def continue_(
    *,
    experiment_id: ExperimentId,
    further: Continuation,
    session: Submitting,
    now: Now,
    response: Response,
    owner: Owner,
) -> Experiment:
    """Train a finished one further, as one unbroken series of epochs."""
    continued = experiments.continue_for(
        session, experiment_id, epochs=further.epochs, limit=MAX_EPOCHS, now=now, by=owner
    )
    return _accepted(continued, response)


@router.post("/{experiment_id}/reproduce", status_code=202)
def reproduce(
    experiment_id: ExperimentId, session: Submitting, owner: Owner, now: Now, response: Response
) -> Experiment:
    """Run the same spec again; the new experiment ends with `reproduction`, which compares the two to the bit."""
    return _accepted(submission.reproduce(session, experiment_id, owner=owner, now=now), response)


def _accepted(experiment: Experiment, response: Response) -> Experiment:
    response.headers["Location"] = experiment.links["self"]
    return experiment
