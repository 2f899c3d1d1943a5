"""The cells of the table, one after another in turn, round by round."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from service.inference import forms
from tests.benchmarks.serving import Body, Cell, Load, alone, load, subjects
from tests.benchmarks.serving.subjects import Trained
from tests.served import Served


@dataclass(frozen=True)
class Row:
    """A cell, measured: ours, the baseline's, and ours beside a run that trains, where that was asked for."""

    cell: Cell
    ours: Load
    naive: Load
    beside: Load | None


@dataclass(frozen=True)
class Found:
    """Medians over the rounds; errors are those of all rounds."""

    rows: list[Row]
    empty: dict[int, Load]
    """An empty FastAPI route, by connections."""
    alone: dict[str, alone.Alone]
    """Images a second of a network in its best form, on one core."""
    memory_mb: list[tuple[float, float]]
    """RSS and PSS of each API process after all of it."""


@dataclass(frozen=True)
class Plan:
    """What is asked of whom."""

    service: Served
    baseline: str
    """The naive app's URL."""
    trained: Mapping[str, Trained]
    bodies: Mapping[Body, Path]
    connections: Sequence[int]
    seconds: int
    images: np.ndarray = field(default_factory=subjects.digits)

    @property
    def cells(self) -> list[Cell]:
        """The rows, in their order."""
        return [
            Cell(network, body, connections)
            for network in self.trained
            for body in self.bodies
            for connections in self.connections
        ]

    def check(self) -> None:
        """That both answer with the checkpoint's own logits; it warms them up, too."""
        for network, trained in self.trained.items():
            for body, place in self.bodies.items():
                cell = Cell(network, body, 1)
                for url in (self._ours(cell), self._naive(cell)):
                    subjects.check(url, body, place, trained.folder, self.images)

    def measure(self, *, rounds: int, beside: bool) -> Found:
        """All of it."""
        ours, naive, with_run = (defaultdict[Cell, list[Load]](list) for _ in range(3))
        empty: dict[int, list[Load]] = defaultdict(list)
        nets: dict[str, list[alone.Alone]] = defaultdict(list)
        best = {name: forms.quickest(*alone.network_in(each.folder)) for name, each in self.trained.items()}
        for _ in range(rounds):
            for name, form in best.items():
                nets[name].append(alone.measure(form, self.images.astype(np.float32)))
            for connections in self.connections:
                empty[connections].append(self._put(f"{self.baseline}/empty", next(iter(self.bodies)), connections))
            for cell in self.cells:
                ours[cell].append(self._put(self._ours(cell), cell.body, cell.connections))
                naive[cell].append(self._put(self._naive(cell), cell.body, cell.connections))
        memory = [subjects.memory_mb(pid) for pid in subjects.api_processes(self.service)]
        if beside:
            with subjects.training_beside(self.service):
                for _ in range(rounds):
                    for cell in self.cells:
                        with_run[cell].append(self._put(self._ours(cell), cell.body, cell.connections))
        return Found(
            rows=[
                Row(each, _middle(ours[each]), _middle(naive[each]), _middle(with_run[each]) if beside else None)
                for each in self.cells
            ],
            empty={connections: _middle(each) for connections, each in empty.items()},
            alone={name: _best(each) for name, each in nets.items()},
            memory_mb=memory,
        )

    def _put(self, url: str, body: Body, connections: int) -> Load:
        return load.put(url, self.bodies[body], body, connections=connections, seconds=self.seconds)

    def _ours(self, cell: Cell) -> str:
        return f"{self.service.url}/v1/experiments/{self.trained[cell.network].experiment_id}/predictions"

    def _naive(self, cell: Cell) -> str:
        return f"{self.baseline}/{cell.body}/{cell.network}"


def _middle(loads: Sequence[Load]) -> Load:
    return Load(
        requests_per_second=median(each.requests_per_second for each in loads),
        p50_ms=median(each.p50_ms for each in loads),
        p99_ms=median(each.p99_ms for each in loads),
        errors=sum(each.errors for each in loads),
    )


def _best(found: Sequence[alone.Alone]) -> alone.Alone:
    return alone.Alone(median(each.singly for each in found), median(each.at_best for each in found))
