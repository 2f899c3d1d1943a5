"""How an experiment comes in and goes out: what is checked first, what is stored, what is removed."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path

from service import architectures, checkpoints, datasets, estimates, ids
from service.counterparts import counterpart
from service.domain.architecture import ArchitectureOptions
from service.domain.experiment import Experiment, State
from service.domain.preview import Model, Preview
from service.domain.spec import MAX_PARAMETERS, ExperimentSpec
from service.domain.sweep import SweepAccepted, SweepRequest
from service.domain.sweep_layout import expand
from service.errors import ConflictError, FieldError, InvalidSpecError
from service.linearity import Linearities
from service.storage import Database, Session, experiments, idempotency, sweeps


def check(spec: ExperimentSpec) -> int:
    """The network's trainable parameters, counted without allocating any; `InvalidSpecError` above the limit."""
    parameters = _parameters(spec.architecture, spec.activation, image_size=spec.dataset.side, classes=_classes(spec))
    if parameters > MAX_PARAMETERS:
        detail = f"has {parameters:,} parameters; at most {MAX_PARAMETERS:,} are allowed"
        raise InvalidSpecError((FieldError(pointer="#/architecture", detail=detail, code="too_many_parameters"),))
    return parameters


@lru_cache(maxsize=1024)
def _parameters(options: ArchitectureOptions, activation: str, *, image_size: int, classes: int) -> int:
    """The experiments of a sweep have few networks, and counting one takes most of a submission's time."""
    return architectures.count_parameters(options, activation=activation, image_size=image_size, classes=classes)


def preview(session: Session, spec: ExperimentSpec) -> Preview:
    """What would be stored, the network layer by layer, and how long it would take; `InvalidSpecError` as `check`."""
    parameters = check(spec)
    image_size, classes = spec.dataset.side, _classes(spec)
    ledger = architectures.ledger(spec.architecture, activation=spec.activation, image_size=image_size, classes=classes)
    return Preview(
        spec=spec,
        spec_hash=spec.spec_hash,
        parameters=parameters,
        ledger=ledger,
        counterpart=counterpart(ledger, activation=spec.activation, image_size=image_size, classes=classes),
        epoch_estimate=estimates.epoch(session, spec, ledger),
    )


def model(database: Database, linearities: Linearities, experiment_id: str) -> Model:
    """The same for a stored experiment, with what its hidden layers add; `NotFoundError` where there is none."""
    with database.reading() as session:
        described = preview(session, experiments.get(session, experiment_id).spec)
    found = linearities.of(experiment_id, described.ledger)
    return Model(**dict(described), **dict(found))


def submit(
    session: Session,
    spec: ExperimentSpec,
    *,
    owner: str | None,
    idempotency_key: str | None,
    body_sha256: str,
    now: datetime,
) -> Experiment:
    """Store and thereby enqueue, or find what the key was used for; `InvalidSpecError` as `check`.

    `ConflictError` where the key was used for another body.
    """
    parameters = check(spec)
    if idempotency_key is None:
        return experiments.add(session, experiment_id=ids.new(), spec=spec, parameters=parameters, now=now, owner=owner)
    known = idempotency.remembered(session, idempotency_key, owner=owner, body_sha256=body_sha256)
    if known is not None:
        return experiments.get(session, known)
    added = experiments.add(session, experiment_id=ids.new(), spec=spec, parameters=parameters, now=now, owner=owner)
    idempotency.remember(
        session, idempotency_key, owner=owner, body_sha256=body_sha256, experiment_id=added.id, now=now
    )
    return added


def sweep(
    session: Session,
    request: SweepRequest,
    *,
    owner: str | None,
    idempotency_key: str | None,
    body_sha256: str,
    now: datetime,
) -> SweepAccepted:
    """Store and thereby enqueue all experiments of a sweep, or none; errors as `submit`, pointers into the request."""
    planned = expand(request, check=check)
    if idempotency_key is not None:
        known = idempotency.remembered(session, idempotency_key, owner=owner, body_sha256=body_sha256)
        if known is not None:
            return sweeps.of(session, known)
    sweep_id, experiment_ids = ids.new(), tuple(ids.new() for _ in planned)
    experiments.add_sweep(session, sweep_id, experiment_ids=experiment_ids, planned=planned, now=now, owner=owner)
    if idempotency_key is not None:
        first = experiment_ids[0]
        idempotency.remember(
            session, idempotency_key, owner=owner, body_sha256=body_sha256, experiment_id=first, now=now
        )
    return SweepAccepted(id=sweep_id, count=len(planned), experiment_ids=experiment_ids)


def reproduce(session: Session, experiment_id: str, *, owner: str | None, now: datetime) -> Experiment:
    """Enqueue the same spec again, to be held against this experiment; `ConflictError` unless it is completed."""
    original = experiments.get(session, experiment_id)
    if original.state is not State.COMPLETED:
        raise ConflictError(f"experiment {experiment_id} is {original.state}: only a completed one can be reproduced")
    return experiments.add(
        session,
        experiment_id=ids.new(),
        spec=original.spec,
        parameters=original.parameters,
        now=now,
        owner=owner,
        reproduces=original.id,
    )


def delete(database: Database, artifacts: Path, experiment_id: str) -> None:
    """Remove its rows, and once that is certain its files; errors as `experiments.delete`."""
    with database.writing() as session:
        experiments.delete(session, experiment_id)
    checkpoints.remove_experiment(artifacts, experiment_id)


def _classes(spec: ExperimentSpec) -> int:
    return len(datasets.facts(spec.dataset.name).labels)
