"""The curves of many runs while they grow: in one answer, what a reader has not seen of each."""

from collections.abc import Mapping
from math import ceil

from service.domain.curves import GrowingCurve, GrowingCurves
from service.domain.experiment import Experiment
from service.domain.selection import monitor_of
from service.storage import Session, experiments, metrics, recent


def revisions(session: Session, after_epochs: Mapping[str, int]) -> dict[str, int]:
    """How often each run has changed, in the order asked for; those that are not there any more are left out."""
    found = experiments.revisions(session, after_epochs)
    return {each: found[each] for each in after_epochs if each in found}


def grown(
    session: Session, after_epochs: Mapping[str, int], revisions: Mapping[str, int], *, points: int
) -> GrowingCurves:
    """The epochs of each above those that are known, thinned alike to some `points` of the longest."""
    runs = recent.experiments(session, list(revisions.items()))
    longest = max((each.progress.epoch - after_epochs[each.id] for each in runs), default=0)
    every = max(1, ceil(longest / points))
    return GrowingCurves(
        every=every, items=tuple(_grown(session, each, after=after_epochs[each.id], every=every) for each in runs)
    )


def _grown(session: Session, run: Experiment, *, after: int, every: int) -> GrowingCurve:
    rows = metrics.growth(session, run.id, after=after, every=every) if run.progress.epoch > after else ()
    names = ("epochs", *metrics.GROWING[1:], "seconds")
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return GrowingCurve(
        experiment_id=run.id,
        state=run.state,
        progress=run.progress,
        best=run.best,
        monitor=monitor_of(run.spec),
        diverged=run.diverged,
        resumptions=run.resumptions,
        **dict(zip(names, columns, strict=True)),
    )
