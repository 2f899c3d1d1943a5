"""Diagnostics as they are asked for: of one run, or of several side by side."""

from collections.abc import Sequence

from service.analysis.diagnostics import aligned
from service.domain.diagnostics import (
    MOST_ALIGNED,
    ComparedDiagnostics,
    DiagnosticsComparison,
    DiagnosticsPage,
)
from service.domain.experiment import Experiment
from service.storage import Session, experiments
from service.storage import diagnostics as stored


def of(session: Session, experiment_id: str, *, after: int = 0) -> DiagnosticsPage:
    """The looks into one run after this epoch; `NotFoundError` where there is no such experiment."""
    experiment = experiments.get(session, experiment_id)
    looks = stored.looks(session, experiment_id, after=after)
    return DiagnosticsPage(experiment_id=experiment_id, state=experiment.state, items=looks)


def compare(session: Session, experiment_ids: Sequence[str]) -> DiagnosticsComparison:
    """At the epochs at which all were looked into; `NotFoundError` where one of them is not there."""
    found = [experiments.get(session, experiment_id) for experiment_id in experiment_ids]
    known = stored.epochs(session, experiment_ids)
    epochs = aligned(known.values(), most=MOST_ALIGNED)
    images = {(each.spec.dataset.name, each.spec.dataset.side) for each in found}
    return DiagnosticsComparison(
        epochs=epochs,
        same_images=len(images) == 1,
        runs=tuple(_compared(session, each, known[each.id], epochs) for each in found),
    )


def _compared(
    session: Session, experiment: Experiment, known: Sequence[int], epochs: Sequence[int]
) -> ComparedDiagnostics:
    spec = experiment.spec
    looks = stored.looks(session, experiment.id, among={*epochs, *known[-1:]}) if known else ()
    return ComparedDiagnostics(
        experiment_id=experiment.id,
        name=experiment.name,
        dataset=spec.dataset.name,
        architecture=spec.architecture.name,
        activation=spec.activation,
        state=experiment.state,
        last=looks[-1] if looks else None,
        items=tuple(each for each in looks if each.epoch in epochs),
    )
