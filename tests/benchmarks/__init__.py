"""Claims about speed, measured. `make bench` runs every file here, prints two tables and writes `benchmarks.json`.

A file offers `measure()`, which gives `Measurement`s, always a ratio of two medians, taken in turn in one run on the
same work, since a machine's speed drifts; and `Statement`s. Nothing here fails a test: a figure is for reading.
"""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Measurement:
    """Ours against a baseline, both in seconds; the goal is what the ratio of their medians should be at most."""

    name: str
    ours: tuple[float, ...]
    baseline: tuple[float, ...]
    baseline_name: str
    at_most: float

    @property
    def ratio(self) -> float:
        """Ours over the baseline, by medians."""
        return median(self.ours) / median(self.baseline)


@dataclass(frozen=True)
class Statement:
    """A figure that has no goal, and what it is to be read with."""

    name: str
    value: float
    unit: str
    remark: str
