"""What is learnt by holding runs against each other: rows, curves, groups over seeds, and verdicts in words."""

from enum import StrEnum
from typing import Any, Literal

from service.domain.curves import CurveSeries, Remark
from service.domain.experiment import BestEpoch, LastEpoch, State, TestResult
from service.domain.record import Record
from service.domain.significance import McNemar

MAX_RUNS = 200
MOST_PAIRED = 20
"""Groups, or runs, of which every pair has a verdict; of more, each has one against the baseline."""
LEVEL = 0.05
"""A difference is one where chance would make as large a one less often than this."""

Interval = tuple[float, float]
"""Its two ends."""


class Grouping(StrEnum):
    """What is drawn as one curve."""

    NONE = "none"
    SEEDS = "seeds"


class Estimate(Record):
    """Of one figure over runs that differ in their seed alone."""

    n: int
    mean: float
    standard_deviation: float | None
    """Of the runs, with n - 1; null of a single one, as is the interval."""
    interval: Interval | None
    """In which the mean over all seeds lies, 95 times of 100: Student's t."""


class Figures(Record):
    """Accuracy and loss of one split; null where no run has a finite one."""

    accuracy: Estimate | None
    loss: Estimate | None


class ComparedRun(Record):
    """A row of the table."""

    id: str
    name: str
    label: str
    """Tells it from the others: its name where that is its own, else what it has that others have not."""
    group: int
    """Its place among the groups, from 0."""
    state: State
    diverged: bool
    settings: dict[str, Any]
    """Of the paths in which these runs differ, those that this one has."""
    parameters: int
    best: BestEpoch | None
    last: LastEpoch | None
    test: TestResult | None
    seconds: float | None
    """The sum over its epochs; null before the first."""


class RunGroup(Record):
    """Runs whose specs are the same but for the seed and the labels."""

    label: str
    settings: dict[str, Any]
    experiment_ids: tuple[str, ...]
    seeds: tuple[int, ...]
    """Of the runs that the figures are of: those completed and tested, one a seed."""
    diverged: int
    """Runs, of all, whose loss did."""
    parameters: int
    best: Figures
    last: Figures
    test: Figures
    seconds: Estimate | None


class AlignedRun(CurveSeries):
    """The figures of one run at the epochs of all; null where it has none."""

    experiment_id: str
    label: str
    best_epoch: int | None


class AlignedSeries(Record):
    """What `GET /v1/comparisons/learning-curves.json` answers."""

    epochs: tuple[int, ...]
    """Every so many, with the first and the very last; as long as each series."""
    every: int
    items: tuple[AlignedRun, ...]


class OverSeeds(Record):
    """Two groups on their test accuracies, a minus b; by chance means by the luck of the seed."""

    method: Literal["paired_t", "welch_t", "sign_flip", "permutation"]
    """`sign_flip` and `permutation`, exact, where no run varies and t has nothing to divide by."""
    n: tuple[int, int]
    """Runs of a and b; where they are paired, by seed, both are the number of pairs."""
    difference: float
    interval: Interval | None
    statistic: float | None
    degrees_of_freedom: float | None
    p_value: float
    sign_flip_p_value: float | None
    """Exact and free of any assumption about the distribution; of n pairs it cannot be below 2 / 2**n."""
    effect_size: float | None
    """Cohen's d: the difference in standard deviations, of the pairs' differences or of the runs."""
    effect_size_interval: Interval | None


class OverImages(Record):
    """The same two on the test images, as means over the seeds; by chance means by the luck of these images."""

    images: int
    difference: float
    interval: Interval
    p_value: float


class GroupVerdict(Record):
    """Whether one group is better than another, for new seeds and for new images."""

    a: int
    """Places among the groups."""
    b: int
    over_seeds: OverSeeds
    over_images: OverImages | None
    """Null where a run has no stored outputs."""
    p_value: float
    """The larger of the two: a difference must be more than the luck of the seeds and more than that of the images."""
    adjusted_p_value: float
    """After Holm's correction for all pairs of groups here."""
    better: int | None
    """Null where they are not distinguishable."""
    text: Remark


class RunVerdict(Record):
    """Whether one trained network is better than another on the same test images."""

    a: str
    """Ids of experiments."""
    b: str
    difference: float
    """Of their accuracies, a minus b."""
    interval: Interval
    mcnemar: McNemar
    adjusted_p_value: float
    """After Holm's correction for all pairs of runs here."""
    better: str | None
    text: Remark


class Verdicts(Record):
    """Pair by pair, on the accuracy on the test split."""

    groups: tuple[GroupVerdict, ...] = ()
    runs: tuple[RunVerdict, ...] = ()


class Comparison(Record):
    """What `GET /v1/comparisons` answers."""

    differing: tuple[str, ...]
    """Paths of the settings in which any two of the runs differ; names, tags and priorities are not looked at."""
    rows: tuple[ComparedRun, ...]
    series: AlignedSeries | None
    groups: tuple[RunGroup, ...]
    verdicts: Verdicts
    remarks: tuple[Remark, ...]
    """What was not compared, and why."""
