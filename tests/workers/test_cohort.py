"""Networks that learn side by side learn what they learn alone, to the bit."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from service import activations, architectures
from service.domain.metrics import EpochMetrics
from service.domain.optimizers import OPTIMIZERS
from service.domain.spec import ExperimentSpec
from workers import cohort, learners, training_data
from workers.cohort import Cohort, agree, capacity
from workers.dense import DenseStack
from workers.learners import DenseLearner
from workers.randomness import Purpose, seed_global
from workers.trainer import Course, train_epoch

NOWHERE = Path("nowhere")

Figures = list[tuple[float | None, ...]]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As runs that can be stacked have it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(**spec: Any) -> Course:
    """A small run, ready to be trained."""
    parsed = ExperimentSpec.model_validate(
        {
            "dataset": {"name": "synthetic", "train_size": 300},
            "architecture": {"name": "mlp", "hidden": [20, 9]},
            "epochs": 3,
        }
        | spec
    )
    data = training_data.prepare(parsed.dataset, seed=parsed.seed, data_dir=NOWHERE, mirror=None)
    seed_global(parsed.seed, epoch=0, purpose=Purpose.WEIGHTS)
    network = architectures.build(
        parsed.architecture, activation=parsed.activation, image_size=parsed.dataset.side, classes=10
    )
    return Course(learners.build(network, parsed), data, parsed)


def dense(courses: Sequence[Course]) -> list[DenseLearner]:
    """Their learners."""
    return [course.learner for course in courses if isinstance(course.learner, DenseLearner)]


def figures(epoch: EpochMetrics | None) -> tuple[float | None, ...]:
    """What must be equal to the bit."""
    assert epoch is not None
    return epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy, epoch.learning_rate


def alone(specs: Sequence[dict[str, Any]], *, epochs: int = 3) -> tuple[list[Figures], list[list[torch.Tensor]]]:
    """Curves and final weights of each, one after another."""
    curves, weights = [], []
    for spec in specs:
        course = make(**spec)
        curves.append([figures(train_epoch([course])[0]) for _ in range(epochs)])
        weights.append(list(course.learner.network.state_dict().values()))
    return curves, weights


def side_by_side(specs: Sequence[dict[str, Any]], *, epochs: int = 3) -> tuple[list[Figures], list[list[torch.Tensor]]]:
    """The same, stacked."""
    courses = [make(**spec) for spec in specs]
    stack = Cohort(dense(courses))
    rows = [[figures(epoch) for epoch in train_epoch(courses, stack)] for _ in range(epochs)]
    curves = [list(curve) for curve in zip(*rows, strict=True)]
    return curves, [list(course.learner.network.state_dict().values()) for course in courses]


def equal(one: list[list[torch.Tensor]], other: list[list[torch.Tensor]]) -> bool:
    """To the bit."""
    return all(torch.equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("batch_size", [64, 50, 7])
@pytest.mark.parametrize("activation", activations.names())
def test_seeds_side_by_side_are_what_they_are_alone(activation: str, batch_size: int) -> None:
    optimizer = {"name": "sgd", "learning_rate": 0.0003 * batch_size}
    specs = [
        {"seed": seed, "activation": activation, "batch_size": batch_size, "optimizer": optimizer} for seed in range(5)
    ]
    curves, weights = alone(specs)
    stacked_curves, stacked_weights = side_by_side(specs)
    assert stacked_curves == curves
    assert equal(stacked_weights, weights)
    assert len({curve[-1] for curve in curves}) == 5


@pytest.mark.parametrize("architecture", ["perceptron", {"name": "mlp", "hidden": [64, 32]}, {"name": "mlp"}])
def test_whatever_their_shape(architecture: object) -> None:
    specs = [{"seed": seed, "architecture": architecture} for seed in range(3)]
    assert side_by_side(specs)[0] == alone(specs)[0]


@pytest.mark.parametrize("options", OPTIMIZERS, ids=lambda options: options.model_fields["name"].default)
def test_each_has_its_own_learning_rate_weight_decay_momentum_dropout_and_schedule(options: Any) -> None:
    name = options.model_fields["name"].default
    rate = options.model_fields["learning_rate"].default
    own: dict[str, Any] = {"momentum": 0.5} if "momentum" in options.model_fields else {}
    specs = [
        {
            "seed": number,
            "optimizer": {"name": name, "learning_rate": rate * (1 + number), "weight_decay": 0.001 * number}
            | {field: value + 0.1 * number for field, value in own.items()},
            "architecture": {"name": "mlp", "hidden": [20, 9], "dropout": 0.1 * (1 + number)},
            "schedule": ["constant", "cosine", {"name": "step", "step_size": 1, "gamma": 0.5}][number],
        }
        for number in range(3)
    ]
    curves, weights = alone(specs)
    stacked_curves, stacked_weights = side_by_side(specs)
    assert stacked_curves == curves
    assert equal(stacked_weights, weights)


def test_augmented_images_are_each_runs_own() -> None:
    dataset = {"name": "synthetic", "train_size": 300, "augmentation": ["shift"]}
    specs = [{"seed": seed, "dataset": dataset} for seed in range(3)]
    assert side_by_side(specs)[0] == alone(specs)[0]


def test_members_come_and_go_between_epochs() -> None:
    """One joins later, one leaves, at different epochs of their runs: nobody's numbers change."""
    specs = [{"seed": seed, "schedule": "cosine", "optimizer": "adam", "epochs": 4} for seed in range(3)]
    expected, weights = alone(specs, epochs=4)
    courses = [make(**spec) for spec in specs]
    curves: list[Figures] = [[], [], []]
    for members in ([0], [0, 1], [0, 1, 2], [0, 1, 2], [1, 2], [2]):
        together = [courses[member] for member in members]
        stack = Cohort(dense(together)) if len(together) > 1 else None
        for member, epoch in zip(members, train_epoch(together, stack), strict=True):
            curves[member].append(figures(epoch))
    assert curves == expected
    assert equal([list(course.learner.network.state_dict().values()) for course in courses], weights)


def test_one_goes_on_bit_for_bit_from_what_a_stack_has_left() -> None:
    specs = [{"seed": seed, "optimizer": "adam"} for seed in range(3)]
    expected = alone(specs)[0][1]
    courses = [make(**spec) for spec in specs]
    train_epoch(courses, Cohort(dense(courses)))
    other = make(**(specs[1] | {"seed": 99}))
    other.spec, other.data, other.epoch = courses[1].spec, courses[1].data, 1
    other.learner.network.load_state_dict(courses[1].learner.network.state_dict())
    other.learner.load_state_tensors(courses[1].learner.state_tensors())
    assert [figures(train_epoch([other])[0]) for _ in range(2)] == expected[1:]


def test_one_that_is_interrupted_leaves_the_others_as_they_are() -> None:
    specs = [{"seed": seed} for seed in range(3)]
    expected = alone(specs, epochs=1)[0]
    courses = [make(**spec) for spec in specs]
    asked, heard = [], []
    courses[1].interrupted = lambda: asked.append(1) is None and len(asked) > 2  # type: ignore[func-returns-value]
    courses[1].on_interruption = lambda: heard.append(len(asked))
    first, second, third = train_epoch(courses, Cohort(dense(courses)))
    assert second is None
    assert heard == [3]
    assert [figures(first)] == expected[0]
    assert [figures(third)] == expected[2]


def test_an_epoch_ends_at_once_when_all_are_interrupted() -> None:
    courses = [make(seed=seed) for seed in range(2)]
    seen: list[float] = []
    for course in courses:
        course.interrupted = lambda: True
        course.progress = seen.append
    assert train_epoch(courses, Cohort(dense(courses))) == [None, None]
    assert seen == []


def test_a_machine_on_which_a_stack_computes_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    learning = dense([make(seed=seed) for seed in range(2)])
    monkeypatch.setattr(cohort, "_AGREED", {})
    assert agree(learning, images=300) is True
    assert len(cohort._AGREED) == 2, "a full batch and the last"
    exact = DenseStack.gradients_of

    def rounded_otherwise(stack: DenseStack, *given: Any, **named: Any) -> None:
        exact(stack, *given, **named)
        if len(stack.parameters) > 1:
            stack.gradients.nextafter_(torch.tensor(1.0))

    monkeypatch.setattr(DenseStack, "gradients_of", rounded_otherwise)
    assert agree(learning, images=300) is True, "it was looked at already"
    monkeypatch.setattr(cohort, "_AGREED", {})
    assert agree(learning, images=300) is False


@pytest.mark.parametrize(
    ("architecture", "more_than_one"),
    [("perceptron", True), ({"name": "mlp", "hidden": [64, 32]}, True), ({"name": "mlp", "hidden": [512, 512]}, False),
     ({"name": "mlp", "hidden": [16], "batch_norm": True}, False), ("lenet5", False)],
)  # fmt: skip
def test_only_small_dense_networks_are_stacked(architecture: object, more_than_one: bool) -> None:
    assert (capacity(make(architecture=architecture).learner) > 1) is more_than_one
    assert capacity(make(architecture=architecture, batch_size=50).learner) == 1
