"""Training: a generator of epoch records. The caller stores, checkpoints, stops and reports."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from service import failpoints
from service.domain.diagnostics import EpochDiagnostics
from service.domain.metrics import EpochMetrics
from service.domain.spec import ExperimentSpec
from service.failpoints import Point
from workers import probe
from workers.cohort import Company
from workers.evaluation import Evaluation
from workers.feed import Feed, steps_per_epoch
from workers.learner import Learner
from workers.probe import Probe
from workers.randomness import Purpose, seed_for
from workers.training_data import TrainingData


class InterruptedTrainingError(Exception):
    """The caller asked to stop between two batches; the epoch that was going on is lost."""


@dataclass
class Course:
    """One run's way through its epochs.

    `interrupted` is asked before each batch, `progress` is told the share of the whole run that is done, and
    `on_interruption` that no more is trained: others that learn beside it go on with the epoch.
    """

    learner: Learner
    data: TrainingData
    spec: ExperimentSpec
    epoch: int = 0
    """The last one that was trained."""
    diagnostics: EpochDiagnostics | None = None
    """Of that epoch, where it was looked into."""
    interrupted: Callable[[], bool] = lambda: False
    progress: Callable[[float], None] = lambda _fraction: None
    on_interruption: Callable[[], None] = lambda: None


def train(
    learner: Learner,
    data: TrainingData,
    spec: ExperimentSpec,
    *,
    after_epoch: int = 0,
    interrupted: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> Iterator[EpochMetrics]:
    """Train epochs `after_epoch + 1 .. spec.epochs`, one each time the generator is advanced.

    Between two epochs the learner is the caller's to read. The numbers of an epoch depend on the weights and the
    optimizer's state before it, the spec and the epoch's number: on nothing that happened earlier in this process.
    """
    course = Course(learner, data, spec, epoch=after_epoch, interrupted=interrupted, progress=progress)
    while course.epoch < spec.epochs:
        (epoch,) = train_epoch([course])
        if epoch is None:
            raise InterruptedTrainingError
        yield epoch


def train_epoch(courses: Sequence[Course], cohort: Company | None = None) -> list[EpochMetrics | None]:
    """Train the next epoch of each: of one run, or of the runs of a cohort, side by side; None where interrupted.

    The seconds of an epoch are those that passed, whoever else was trained in them.
    """
    began = time.perf_counter()
    for course in courses:
        course.epoch, course.diagnostics = course.epoch + 1, None
    names = [course.spec.name for course in courses]
    failpoints.reach(Point.EPOCH_BEGUN, names)
    learning_rates, looking = _train_epoch(courses, cohort)
    if all(rate is None for rate in learning_rates):
        return [None] * len(courses)
    figures = [  # a GPU has ended the epoch when it answers
        course.learner.epoch_figures() if rate is not None else None
        for course, rate in zip(courses, learning_rates, strict=True)
    ]
    trained = time.perf_counter()
    failpoints.reach(Point.TRAINED, names)
    _look(courses, looking, learning_rates)
    data = [course.data for course in courses]
    judged = cohort.judge(data) if cohort is not None else [courses[0].learner.judge(data[0])]
    failpoints.reach(Point.VALIDATED, names)
    return [
        None if rate is None or own is None else _record(course, rate, own, validation, began=began, trained=trained)
        for course, rate, own, validation in zip(courses, learning_rates, figures, judged, strict=True)
    ]


def _train_epoch(courses: Sequence[Course], cohort: Company | None) -> tuple[Sequence[float | None], Probe | None]:
    """Go through the training split once, each in its own order.

    The learning rates of the last batch, and what is to look into the networks where an epoch is due for it.
    """
    looking: Probe | None = None
    feed = Feed([(course.data, course.spec, course.epoch) for course in courses])
    for course in courses:
        course.learner.seed(seed_for(course.spec.seed, epoch=course.epoch, purpose=Purpose.DROPOUT))
        course.learner.network.train()
    (cohort or courses[0].learner).begin_epoch(feed.images)
    learning_rates: list[float] = []
    stopped: set[int] = set()
    names = [course.spec.name for course in courses]
    for step in range(feed.steps):
        failpoints.reach(Point.BATCH, names)
        for member, course in enumerate(courses):
            if member not in stopped and course.interrupted():
                stopped.add(member)
                course.on_interruption()
        if len(stopped) == len(courses):
            break
        learning_rates = [_learning_rate(course, step=step, steps=feed.steps) for course in courses]
        if step == feed.steps - 1 and any(_to_be_looked_into(course, steps=feed.steps) for course in courses):
            looking = probe.prepare(courses, cohort)
        images, labels = feed.batch(step)
        if cohort is None:
            courses[0].learner.step(images[0], labels[0], learning_rate=learning_rates[0])
        else:
            cohort.step(images, labels, learning_rates=learning_rates)
        for course in courses:
            course.progress((course.epoch - 1 + (step + 1) / feed.steps) / course.spec.epochs)
    rates = learning_rates or [0.0] * len(courses)
    return [None if member in stopped else rate for member, rate in enumerate(rates)], looking


def _to_be_looked_into(course: Course, *, steps: int) -> bool:
    return probe.due(course.epoch, steps=steps, epochs=course.spec.epochs)


def _look(courses: Sequence[Course], looking: Probe | None, learning_rates: Sequence[float | None]) -> None:
    """Into those networks whose epoch has ended and is due for it."""
    seen = looking.look() if looking is not None else [None] * len(courses)
    for course, learning_rate, diagnostics in zip(courses, learning_rates, seen, strict=True):
        steps = steps_per_epoch(len(course.data.train), course.spec.batch_size)
        looked_into = learning_rate is not None and _to_be_looked_into(course, steps=steps)
        course.diagnostics = diagnostics if looked_into else None


def _learning_rate(course: Course, *, step: int, steps: int) -> float:
    spec = course.spec
    return spec.schedule.learning_rate(
        spec.optimizer.learning_rate,
        step=(course.epoch - 1) * steps + step,
        steps_per_epoch=steps,
        epochs=spec.epochs,
    )


def _record(
    course: Course,
    learning_rate: float,
    figures: tuple[float, float],
    validation: Evaluation,
    *,
    began: float,
    trained: float,
) -> EpochMetrics:
    """What is not finite is None."""
    loss, accuracy = figures
    return EpochMetrics(
        epoch=course.epoch,
        train_loss=loss if math.isfinite(loss) else None,
        train_accuracy=accuracy,
        val_loss=validation.loss,
        val_accuracy=validation.accuracy,
        learning_rate=learning_rate,
        epoch_seconds=time.perf_counter() - began,
        samples_per_second=len(course.data.train) / (trained - began),
        recorded_at=datetime.now(UTC),
    )
