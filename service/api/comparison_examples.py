"""Examples of comparisons for the documentation: two groups of three seeds, and a law of four sizes, as computed."""

from service.analysis import aligned, comparison, train_sizes
from service.analysis.aligned import Curve
from service.analysis.comparison import Subject
from service.domain.comparison import AlignedSeries, Comparison
from service.domain.experiment import Experiment, State, TestResult
from service.domain.spec import DatasetChoice, ExperimentSpec
from service.domain.train_size import TrainSizes

_ACCURACIES = {"tanh": (0.971, 0.969, 0.972), "relu": (0.979, 0.978, 0.981)}
_SIZES = {1_000: 0.88, 4_000: 0.93, 16_000: 0.96, 54_000: 0.977}


def of(run: Experiment) -> tuple[Comparison, AlignedSeries, TrainSizes]:
    """Made of copies of a run."""
    runs = [
        _completed(run, f"{name}{seed}", accuracy, activation=activation, seed=seed)
        for name, (activation, accuracies) in enumerate(_ACCURACIES.items())
        for seed, accuracy in enumerate(accuracies)
    ]
    seen = comparison.overview(runs)
    curves = [
        Curve(each.id, label, 2, {1: (0.4, 0.9, 0.3, 0.91), 2: (0.2, 0.95, 0.15, 0.955)})
        for each, label in zip(runs, seen.run_labels, strict=True)
    ]
    series = aligned.align(curves, every=1)
    found = comparison.compare([Subject(each, 2.5, None) for each in runs], seen, series=series, baseline=None)
    sized = [
        _completed(run, f"2{number}", accuracy, dataset=DatasetChoice(name="mnist", train_size=size))
        for number, (size, accuracy) in enumerate(_SIZES.items())
    ]
    return found, series, train_sizes.against_size(sized)


def _completed(run: Experiment, ending: str, accuracy: float, **changed: object) -> Experiment:
    spec: ExperimentSpec = run.spec.model_copy(update=changed)
    update = {
        "id": run.id[: -len(ending)] + ending, "spec": spec, "state": State.COMPLETED,
        "test": TestResult(loss=0.1, accuracy=accuracy),
    }  # fmt: skip
    return run.model_copy(update=update)
