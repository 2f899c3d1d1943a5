"""Lab sheets put to use: their runs submitted as one sweep, found again by their tags, held against constraints."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from service import datasets, evaluations, ids, labs, submission
from service.analysis import constraints
from service.domain.experiment import Experiment
from service.domain.field_errors import nearest_first
from service.domain.lab import TAG, Document, Lab, LabRun, Language
from service.domain.lab_answers import LabAccepted, LabCheck, LabRequest
from service.domain.sweep import MAX_EXPERIMENTS, Planned, SweepRequest
from service.domain.sweep_layout import expand
from service.errors import ConflictError, FieldError, InvalidSpecError
from service.report import curl, page
from service.report.view import Sources
from service.storage import Session, experiments, idempotency, sweeps


def submit(
    session: Session,
    name: str,
    request: LabRequest,
    *,
    folder: Path | None,
    owner: str | None,
    idempotency_key: str | None,
    body_sha256: str,
    now: datetime,
) -> LabAccepted:
    """Store and thereby enqueue all runs of a sheet, or none; errors as `labs.load` and `plan`.

    `ConflictError` where the key was used for another body or another sheet.
    """
    lab = labs.load(name, folder=folder)
    planned = plan(name, lab, request)
    everything = hashlib.sha256(f"{name} {body_sha256}".encode()).hexdigest()
    if idempotency_key is not None:
        known = idempotency.remembered(session, idempotency_key, owner=owner, body_sha256=everything)
        if known is not None:
            return _accepted(session, name, lab, request, sweeps.of(session, known).id)
    sweep_id, experiment_ids = ids.new(), tuple(ids.new() for _ in planned)
    experiments.add_sweep(session, sweep_id, experiment_ids=experiment_ids, planned=planned, now=now, owner=owner)
    elsewhere = _elsewhere(name, lab, request, zip(experiment_ids, planned, strict=True))
    evaluations.submit_for_the_end(session, elsewhere, owner=owner, now=now)
    if idempotency_key is not None:
        idempotency.remember(
            session, idempotency_key, owner=owner, body_sha256=everything, experiment_id=experiment_ids[0], now=now
        )
    return _accepted(session, name, lab, request, sweep_id)


def plan(name: str, lab: Lab, request: LabRequest) -> list[Planned]:
    """The experiments of a sheet, run by run; `InvalidSpecError` where the request names a run that is none.

    `ConflictError` where a run of the sheet makes no experiment: its spec is wrong.
    """
    wanted = request.runs or tuple(lab.runs)
    unknown = [
        FieldError(
            pointer=f"#/runs/{place}",
            detail=f"unknown run {each!r}; allowed: {nearest_first(each, tuple(lab.runs))}",
            code="unknown_name",
        )
        for place, each in enumerate(wanted)
        if each not in lab.runs
    ]
    if unknown:
        raise InvalidSpecError(tuple(unknown))
    planned = [each for run in dict.fromkeys(wanted) for each in _plan_run(name, run, lab, offline=request.offline)]
    if len(planned) > MAX_EXPERIMENTS:
        raise ConflictError(f"lab {name} makes {len(planned):,} experiments; at most {MAX_EXPERIMENTS:,} are allowed")
    return planned


def _plan_run(name: str, run: str, lab: Lab, *, offline: bool) -> list[Planned]:
    made = sweep_of(lab, run, offline=offline)
    try:
        planned = expand(made, check=submission.check)
        for dataset in _evaluated_on(lab.runs[run], offline=offline):
            for each in planned:
                evaluations.require_same_classes(dataset, each.spec.dataset)
    except InvalidSpecError as error:
        wrong = "; ".join(f"{each.pointer.removeprefix('#/')}: {each.detail}" for each in error.errors)
        raise ConflictError(f"run {run!r} of lab {name} is no experiment: {wrong}") from error
    return [_labelled(each, name, run, several=len(planned) > 1) for each in planned]


def sweep_of(lab: Lab, run: str, *, offline: bool) -> SweepRequest:
    """What `POST /v1/sweeps` would take for a run of the sheet."""
    chosen = lab.runs[run]
    base, grid, seeds = chosen.spec, chosen.grid, chosen.seeds
    if offline:
        base = _over(_over(base, lab.offline), chosen.offline.spec)
        grid = grid if chosen.offline.grid is None else chosen.offline.grid
        seeds = seeds if chosen.offline.seeds is None else chosen.offline.seeds
    return SweepRequest.model_validate({"base": base, "grid": grid, "seeds": seeds})


def _over(below: Document, above: Document) -> Document:
    """Field by field, and within the fields that are objects in both."""
    merged = {
        field: {**below[field], **value} if isinstance(value, dict) and isinstance(below.get(field), dict) else value
        for field, value in above.items()
    }
    return {**below, **merged}


def _labelled(planned: Planned, name: str, run: str, *, several: bool) -> Planned:
    spec = planned.spec
    label = f"{name}-{run}, seed {spec.seed}" if several else f"{name}-{run}"
    tags = dict.fromkeys([f"{TAG}{name}", f"{TAG}{name}:{run}", *spec.tags])
    return Planned(spec.model_copy(update={"name": label, "tags": tuple(tags)}), planned.parameters)


def _elsewhere(
    name: str, lab: Lab, request: LabRequest, stored: Iterable[tuple[str, Planned]]
) -> Iterator[tuple[str, str]]:
    """The data sets on which each of these experiments is to be judged as well."""
    for experiment_id, planned in stored:
        for run in _runs_of(name, planned.spec.tags):
            for dataset in _evaluated_on(lab.runs[run], offline=request.offline):
                yield experiment_id, dataset


def _accepted(session: Session, name: str, lab: Lab, request: LabRequest, sweep_id: str) -> LabAccepted:
    found = by_run(name, sweeps.get(session, sweep_id).items)
    runs = {run: tuple(each.id for each in several) for run, several in found.items()}
    others = {run: _evaluated_on(lab.runs[run], offline=request.offline) for run in runs if run in lab.runs}
    return LabAccepted(
        lab=name,
        sweep_id=sweep_id,
        count=sum(map(len, runs.values())),
        runs=runs,
        evaluate_on={run: datasets for run, datasets in others.items() if datasets},
    )


def _evaluated_on(run: LabRun, *, offline: bool) -> tuple[str, ...]:
    return run.offline.evaluate_on if offline else run.evaluate_on


def by_run(name: str, found: Sequence[Experiment]) -> dict[str, tuple[Experiment, ...]]:
    """The experiments that a sheet has made, by the name of their run; others are left out."""
    runs: dict[str, list[Experiment]] = {}
    for each in found:
        for run in _runs_of(name, each.spec.tags):
            runs.setdefault(run, []).append(each)
    return {run: tuple(several) for run, several in runs.items()}


def _runs_of(name: str, tags: Sequence[str]) -> list[str]:
    mark = f"{TAG}{name}:"
    return [tag.removeprefix(mark) for tag in tags if tag.startswith(mark)]


def check(name: str, found: Sequence[Experiment], *, folder: Path | None) -> LabCheck:
    """Which constraints of a sheet each experiment keeps to; errors as `labs.load`."""
    lab = labs.load(name, folder=folder)
    items = tuple(constraints.check(lab.constraints, each) for each in found)
    return LabCheck(lab=name, items=items, met_by=tuple(each.experiment_id for each in items if each.met))


def report(name: str, sources: Sources, *, folder: Path | None, language: Language, url: str) -> str:
    """The HTML report on the experiments that were read; errors as `labs.load`."""
    lab = labs.load(name, folder=folder)
    found = sources.everything.experiments
    runs = by_run(name, found)
    of_the_sheet = {each.id for run, several in runs.items() if run in lab.runs for each in several}
    offline = bool(of_the_sheet) and all(
        datasets.facts(each.spec.dataset.name).bundled for each in found if each.id in of_the_sheet
    )
    work = page.Work(
        name=name,
        lab=lab,
        runs=runs,
        own=[each for each in found if each.id not in of_the_sheet],
        made_by={run: _made_by(sweep_of(lab, run, offline=offline)) for run in runs if run in lab.runs},
        offline=offline,
    )
    return page.render(work, sources, language=language, url=url)


def _made_by(request: SweepRequest) -> str:
    """The shortest request that submits the same."""
    if not request.grid and request.seeds is None:
        return curl.post("/v1/experiments", request.base)
    return curl.post("/v1/sweeps", request.model_dump(mode="json", exclude_defaults=True))
