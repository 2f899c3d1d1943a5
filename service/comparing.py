"""Reading what a comparison is made from: runs, their curves, and which test images each one reads right."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import ceil
from pathlib import Path

from service import checkpoints
from service.analysis import aligned, comparison, train_sizes
from service.analysis.aligned import Curve, Row, Spread
from service.analysis.comparison import Answers, Overview, Subject
from service.domain.checkpoint import Checkpoint
from service.domain.comparison import MAX_RUNS, AlignedSeries, Comparison
from service.domain.experiment import Experiment
from service.domain.selection import monitor_of
from service.domain.train_size import TrainSizes
from service.errors import DamagedCheckpointError, FieldError, InvalidSpecError
from service.side_process import SideProcess
from service.storage import Database, Session, metrics, recent, sweeps
from service.storage import checkpoints as checkpoint_rows

KEPT = 1024
"""Runs of which it is remembered which test images they read right; those of MNIST take 10 kB."""


@dataclass(frozen=True)
class Chosen:
    """Which runs: these, or those of a sweep."""

    ids: tuple[str, ...]
    sweep_id: str | None


@dataclass(frozen=True, eq=False)
class Read:
    """Runs as they were together at one moment; what is by id may be of others, too."""

    experiments: tuple[Experiment, ...]
    rows: Mapping[str, Mapping[int, Row]]
    every: int
    """Of the epochs: one in so many."""
    seconds: Mapping[str, float]
    outputs: Mapping[str, Checkpoint]

    @cached_property
    def overview(self) -> Overview:
        """What they differ in."""
        return comparison.overview(self.experiments)

    @cached_property
    def curves(self) -> list[Curve]:
        """A curve each, in their order."""
        return [
            Curve(
                each.id,
                label,
                each.best.epoch if each.best else None,
                self.rows.get(each.id, {}),
                monitor_of(each.spec),
            )
            for each, label in zip(self.experiments, self.overview.run_labels, strict=True)
        ]

    def of(self, ids: Sequence[str]) -> "Read":
        """These of them alone, in this order."""
        by_id = {each.id: each for each in self.experiments}
        return replace(self, experiments=tuple(by_id[each] for each in ids))


def read(database: Database, chosen: Chosen, *, points: int, in_all: int | None = None, alike: bool = True) -> Read:
    """With at most some `points` epochs a run, and `in_all` of all runs, the same ones for all; none where that is 0.

    Where they need not be `alike`, a run has those of its own length, its last and its best one among them.

    `NotFoundError` where there is no such run or sweep, `InvalidSpecError` where there are more than `MAX_RUNS`.
    """
    with database.reading() as session:
        found = _experiments(session, chosen)
        ids = [each.id for each in found]
        if in_all is not None:
            points = min(points, ceil(in_all / max(1, len(found))))
        last = max((each.progress.epoch for each in found), default=0)
        every = max(1, ceil(last / points)) if points else 1
        if not points:
            rows = {}
        elif alike:
            rows = metrics.figures(session, ids, every=every, last=last)
        else:
            rows = _own_figures(session, found, points=points)
        seconds = metrics.seconds(session, ids)
        outputs = checkpoint_rows.newest_with_outputs(session, ids)
    return Read(found, rows, every, seconds, outputs)


def chosen(database: Database, which: Chosen) -> tuple[Experiment, ...]:
    """The runs themselves; errors as `read`."""
    with database.reading() as session:
        return _experiments(session, which)


def compare(
    database: Database, artifacts: Path, beside: SideProcess, chosen: Chosen, *, points: int, baseline: str | None
) -> Comparison:
    """All that can be said of these runs; errors as `read`, and where the baseline is none of them."""
    return hold(read(database, chosen, points=points), artifacts, beside, curves=bool(points), baseline=baseline)


def hold(
    found: Read,
    artifacts: Path,
    beside: SideProcess,
    *,
    curves: bool,
    baseline: str | None = None,
    runs_beside_groups: bool = True,
) -> Comparison:
    """The runs that were read against each other; the last as for `comparison.compare`."""
    if baseline is not None and baseline not in {each.id for each in found.experiments}:
        detail = f"must be one of the runs that are compared, not {baseline[:60]!r}"
        raise InvalidSpecError((FieldError(pointer="#/query/baseline", detail=detail, code="unknown_name"),))
    subjects = [
        Subject(each, found.seconds.get(each.id), _answers_of(artifacts, found.outputs.get(each.id)))
        for each in found.experiments
    ]
    return beside.call(
        comparison.compare,
        subjects,
        found.overview,
        series=series(found) if curves else None,
        baseline=baseline,
        runs_beside_groups=runs_beside_groups,
    )


def _own_figures(
    session: Session, found: Iterable[Experiment], *, points: int
) -> dict[str, dict[int, tuple[float | None, ...]]]:
    by_length: dict[int, list[Experiment]] = {}
    for each in found:
        by_length.setdefault(max(1, ceil(each.progress.epoch / points)), []).append(each)
    rows: dict[str, dict[int, tuple[float | None, ...]]] = {}
    for every, runs in by_length.items():
        ends = [(each.id, each.progress.epoch) for each in runs]
        best = [(each.id, each.best.epoch) for each in runs if each.best is not None]
        besides = [*ends, *best] if every > 1 else []
        rows |= metrics.figures(session, [each.id for each in runs], every=every, last=1, besides=besides)
    return rows


def against_size(database: Database, beside: SideProcess, chosen: Chosen) -> TrainSizes:
    """How their test error depends on the number of training images; errors as `read`."""
    with database.reading() as session:
        found = _experiments(session, chosen)
    return beside.call(train_sizes.against_size, found)


def series(found: Read) -> AlignedSeries:
    """Their curves at the same epochs."""
    return aligned.align(found.curves, every=found.every)


def spreads(found: Read) -> dict[str, Spread]:
    """Of every group over seeds, by its label."""
    return {
        label: aligned.spread([found.curves[member] for member in group.members])
        for label, group in zip(found.overview.group_labels, found.overview.groups, strict=True)
    }


def _experiments(session: Session, chosen: Chosen) -> tuple[Experiment, ...]:
    if chosen.sweep_id is None:
        return recent.several(session, chosen.ids)
    members = sweeps.get(session, chosen.sweep_id).items
    if len(members) > MAX_RUNS:
        detail = f"has {len(members):,} runs; at most {MAX_RUNS} can be compared: name them as `ids`"
        raise InvalidSpecError((FieldError(pointer="#/query/sweep_id", detail=detail, code="too_many_runs"),))
    return members


def _answers_of(artifacts: Path, checkpoint: Checkpoint | None) -> Answers | None:
    """Null, too, where the file is not what was written: the other runs can be compared all the same."""
    if checkpoint is None:
        return None
    try:
        return _answers(artifacts, checkpoint)
    except DamagedCheckpointError:
        return None


@lru_cache(maxsize=KEPT)
def _answers(artifacts: Path, checkpoint: Checkpoint) -> Answers:
    test = checkpoints.load_outputs(artifacts, checkpoint).test
    images = hashlib.sha256(test.indices.tobytes() + test.labels.tobytes()).hexdigest()
    return Answers(images=images, right=test.logits.argmax(axis=1) == test.labels)
