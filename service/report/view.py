"""What a block is given: the runs it speaks of, where their facts lie, and the language to say them in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service import comparing, evidence
from service.comparing import Chosen, Read
from service.domain.comparison import Comparison, RunGroup
from service.domain.experiment import Experiment, State
from service.domain.lab import Constraint
from service.evidence import Evidence
from service.inference.models import Models
from service.linearity import Linearities
from service.report.words import Words
from service.settings import Settings
from service.side_process import SideProcess
from service.storage import Database

POINTS = 200
"""Epochs of a drawn curve, at most some."""
SETTINGS = {
    "dataset.train_size": ("{} images", "{} images"),
    "architecture.hidden": ("hidden {}", "couches cachées {}"),
    "architecture.kernel_size": ("kernel of {} pixels", "noyau de {} pixels"),
    "architecture.pool": ("{} pooling", "pooling {}"),
    "optimizer.learning_rate": ("learning rate {}", "taux d'apprentissage {}"),
    "activation": ("{}", "{}"),
    "epochs": ("{} epochs", "{} époques"),
}
"""How a setting that varies within a run is said; any other by its path."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Where facts come from; each is read, and each comparison made, once a report."""

    database: Database
    settings: Settings
    models: Models
    linearities: Linearities
    beside: SideProcess
    everything: Read
    """Of all runs of the report, at one moment."""
    comparisons: dict[tuple[str, ...], Comparison] = field(default_factory=dict)
    read: dict[str, Evidence] = field(default_factory=dict)

    def comparison(self, ids: tuple[str, ...]) -> Comparison:
        """Of these runs, with their curves; single runs are judged where no groups over seeds are."""
        if ids not in self.comparisons:
            found = self.everything.of(ids)
            if found.every > 1:  # the longest run of all would thin the curves of these
                found = comparing.read(self.database, Chosen(ids=ids, sweep_id=None), points=POINTS)
            self.comparisons[ids] = comparing.hold(
                found, self.settings.artifacts_dir, self.beside, curves=True, runs_beside_groups=False
            )
        return self.comparisons[ids]

    def evidence(self, experiment: Experiment) -> Evidence:
        """What a completed run can be judged by; errors as `evidence.read`."""
        if experiment.id not in self.read:
            artifacts, ended_at = self.settings.artifacts_dir, self.everything.outputs.get(experiment.id)
            self.read[experiment.id] = (
                evidence.read(self.database, artifacts, experiment.id)  # which says why there is nothing
                if ended_at is None
                else evidence.of(artifacts, experiment, ended_at)
            )
        return self.read[experiment.id]


class Shown(NamedTuple):
    """One run of the sheet with its experiments, which differ by seed, and by the grid where it has one."""

    label: str
    experiments: tuple[Experiment, ...]

    @property
    def finished(self) -> tuple[Experiment, ...]:
        """Those whose weights can be looked at."""
        return tuple(each for each in self.experiments if each.state is State.COMPLETED and each.best is not None)


class Group(NamedTuple):
    """Experiments of a run that differ by their seed alone."""

    label: str
    place: int
    """Among the groups of the comparison."""
    facts: RunGroup


@dataclass(frozen=True)
class View:
    """The runs of one block, by their names in the sheet."""

    runs: Mapping[str, Shown]
    words: Words
    sources: Sources
    constraints: tuple[Constraint, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of all experiments, finished or not."""
        return tuple(each.id for shown in self.runs.values() for each in shown.experiments)

    @property
    def comparison(self) -> Comparison:
        """Of all of them."""
        return self.sources.comparison(self.ids)

    def representatives(self) -> Iterator[tuple[str, Experiment]]:
        """The first finished experiment of each run that has one, by the run's label."""
        for shown in self.runs.values():
            for each in shown.finished[:1]:
                yield shown.label, each

    def groups(self) -> Iterator[Group]:
        """Run by run."""
        of = {each: place for place, group in enumerate(self.comparison.groups) for each in group.experiment_ids}
        for shown in self.runs.values():
            places = tuple(dict.fromkeys(of[each.id] for each in shown.experiments))
            for place in places:
                facts = self.comparison.groups[place]
                label = shown.label if len(places) == 1 else f"{shown.label}, {self._varied(places, place)}"
                yield Group(label, place, facts)

    def _varied(self, places: Sequence[int], place: int) -> str:
        """What one group of a run has that its others have not."""
        settings = [self.comparison.groups[each].settings for each in places]
        own = self.comparison.groups[place].settings
        paths = [path for path in own if any(each.get(path) != own[path] for each in settings)]
        return ", ".join(
            self.words.pick(*SETTINGS.get(path, (f"{path} {{}}",) * 2)).format(own[path]) for path in paths
        )
