"""What is seen inside a network, against autograd and against runs that were made to saturate or to die."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from service import activations, architectures
from service.domain.diagnostics import EpochDiagnostics, LayerDiagnostics
from service.domain.spec import ExperimentSpec
from service.storage import diagnostics
from tests.workers.conftest import Bench
from workers import learners, probe, training_data
from workers.cohort import Cohort
from workers.learners import DenseLearner
from workers.randomness import Purpose, seed_global
from workers.trainer import Course, train_epoch

NOWHERE = Path("nowhere")
MLP = {"name": "mlp", "hidden": [20, 9]}
ARCHITECTURES: dict[str, object] = {
    "perceptron": "perceptron",
    "mlp": MLP,
    "mlp with dropout": MLP | {"dropout": 0.4},
    "mlp with batch norm": MLP | {"batch_norm": True},
    "cnn": {"name": "cnn", "channels": [5, 33, 64], "hidden": [12], "dropout": 0.3},
    "cnn with batch norm": {"name": "cnn", "channels": [6], "hidden": [12], "batch_norm": True, "pool": "stride"},
    "lenet5": "lenet5",
    "mnist_example": "mnist_example",
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As workers that share a machine have it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(**spec: Any) -> Course:
    """A small run, ready to be trained."""
    parsed = ExperimentSpec.model_validate(
        {"dataset": {"name": "synthetic", "train_size": 150}, "architecture": MLP, "epochs": 2, "batch_size": 64} | spec
    )
    data = training_data.prepare(parsed.dataset, seed=parsed.seed, data_dir=NOWHERE, mirror=None)
    seed_global(parsed.seed, epoch=0, purpose=Purpose.WEIGHTS)
    network = architectures.build(
        parsed.architecture, activation=parsed.activation, image_size=parsed.dataset.side, classes=10
    )
    return Course(learners.build(network, parsed), data, parsed)


def dense(courses: list[Course]) -> list[DenseLearner]:
    """Their learners."""
    return [course.learner for course in courses if isinstance(course.learner, DenseLearner)]


def seen_of(course: Course) -> EpochDiagnostics:
    """What was seen at the end of its last epoch."""
    assert course.diagnostics is not None
    return course.diagnostics


def train_and_remember(course: Course) -> tuple[EpochDiagnostics, nn.Sequential]:
    """One epoch; what was seen, and a copy of the network as it was before the last step."""
    before: list[nn.Sequential] = []
    asked = []
    steps = -(-len(course.data.train) // course.spec.batch_size)

    def interrupted() -> bool:
        asked.append(True)
        if len(asked) == steps:
            before.append(copy.deepcopy(course.learner.network))
        return False

    course.interrupted = interrupted
    train_epoch([course])
    return seen_of(course), before[0]


def flat(activation: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """By its slope as autograd has it: up to which input it is at most 0.05, from the left."""
    grid = torch.linspace(-30, 30, 600_001, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(activation(grid).sum(), grid)
    steep = slope.abs() > 0.05
    return inputs <= grid.detach()[int(steep.to(torch.int8).argmax()) - 1] + 1e-9


def reference(course: Course, before: nn.Sequential) -> list[LayerDiagnostics]:
    """The same figures in double precision, layer by layer, by torch alone."""
    network = copy.deepcopy(course.learner.network).double().eval()
    images, labels = course.data.probe
    values = images.double()
    last_dense = ""
    inputs: dict[str, tuple[nn.Module, torch.Tensor]] = {}
    outputs: dict[str, torch.Tensor] = {}
    for name, layer in network.named_children():
        after = layer(values)
        if isinstance(layer, nn.Linear | nn.Conv2d):
            last_dense = name
        if name.startswith("activation"):
            inputs[last_dense], outputs[last_dense] = (layer, values.detach()), after.detach()
        values = after
    loss = functional.cross_entropy(values, labels, label_smoothing=course.spec.loss.label_smoothing)
    weighted = {name.removesuffix(".weight"): each for name, each in network.named_parameters() if "weight" in name}
    gradients = torch.autograd.grad(loss, list(weighted.values()))
    rows = []
    for (name, weight), gradient in zip(weighted.items(), gradients, strict=True):
        saturated = dead = None
        if name in inputs:
            (activation, given), given_back = inputs[name], outputs[name]
            if isinstance(activation, nn.Tanh):
                saturated = (given_back.abs() > 0.95).double().mean().item()
            elif isinstance(activation, nn.Sigmoid):
                saturated = ((given_back - 0.5).abs() > 0.45).double().mean().item()
            elif not isinstance(activation, nn.Identity):
                others = [dimension for dimension in range(given.dim()) if dimension != 1]
                dead = flat(activation, given).all(others[0]).reshape(given.shape[1], -1).all(1).double().mean().item()
        change = weight - before.get_submodule(name).get_parameter("weight").double()
        rows.append(
            LayerDiagnostics(
                name=name,
                activation=course.spec.activation if name in inputs else None,
                saturated_share=saturated,
                dead_share=dead,
                gradient_norm=gradient.norm().item(),
                weight_norm=weight.norm().item(),
                update_ratio=(change.norm() / weight.norm()).item(),
            )
        )
    return rows


def assert_alike(seen: EpochDiagnostics, expected: list[LayerDiagnostics]) -> None:
    """Up to single precision: a value at a threshold may fall on either side."""
    assert [each.name for each in seen.layers] == [each.name for each in expected]
    for one, other in zip(seen.layers, expected, strict=True):
        assert one.activation == other.activation
        assert one.saturated_share == pytest.approx(other.saturated_share, abs=2e-3)
        assert one.dead_share == pytest.approx(other.dead_share, abs=1e-9)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-3)
        assert one.weight_norm == pytest.approx(other.weight_norm, rel=1e-6)
        assert one.update_ratio == pytest.approx(other.update_ratio, rel=1e-3)


@pytest.mark.parametrize("activation", activations.names())
@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_every_figure_is_that_of_autograd(architecture: object, activation: str) -> None:
    loss = {"name": "cross_entropy", "label_smoothing": 0.1}
    course = make(architecture=architecture, activation=activation, loss=loss)
    seen, before = train_and_remember(course)
    assert seen.epoch == 1
    assert_alike(seen, reference(course, before))


@pytest.mark.parametrize("activation", activations.names())
def test_every_figure_is_that_of_autograd_where_much_is_saturated_or_dead(activation: str) -> None:
    """Weights twenty times as large, and every third unit shut, so that no share is zero by chance."""
    course = make(activation=activation, optimizer={"name": "sgd", "learning_rate": 1e-6}, architecture={"name": "mlp"})
    with torch.no_grad():
        for parameter in course.learner.network.parameters():
            parameter.mul_(20)
            if parameter.dim() == 1:
                parameter[::3] = -1e4
    seen, before = train_and_remember(course)
    expected = reference(course, before)
    assert_alike(seen, expected)
    shares = [each.saturated_share or each.dead_share or 0.0 for each in expected[:-1]]
    assert (min(shares) > 0.02) is (activation != "identity")


@pytest.mark.parametrize("architecture", [MLP, "lenet5"])
def test_a_gradient_is_measured_whose_squares_are_no_single_precision_numbers(architecture: object) -> None:
    course = make(architecture=architecture, optimizer={"name": "sgd", "learning_rate": 1e-9})
    with torch.no_grad():
        course.learner.network.get_parameter("output.weight").mul_(1e-24)
    seen, before = train_and_remember(course)
    expected = reference(course, before)
    assert 0.0 < (expected[0].gradient_norm or 0.0) < 1e-7
    assert seen.layers[0].gradient_norm == pytest.approx(expected[0].gradient_norm, rel=1e-3)


@pytest.mark.parametrize("name", activations.names())
def test_thresholds_are_where_the_slope_is_a_twentieth(name: str) -> None:
    """Of the ReLU family; those of the others are about how far a value is from its end."""
    activation = activations.module_class(name)
    assert (activation in probe.FLAT_BELOW) is (name not in {"identity", "tanh", "sigmoid"})
    assert (activation in probe.SATURATED) is (name in {"tanh", "sigmoid"})
    if activation in probe.FLAT_BELOW:
        threshold = torch.tensor([probe.FLAT_BELOW[activation] + side for side in (-1e-3, 1e-3)], dtype=torch.float64)
        assert flat(activation(), threshold).tolist() == [True, False]


def test_runs_that_are_stacked_are_seen_as_they_are_alone() -> None:
    specs: list[dict[str, Any]] = [
        {"seed": seed, "activation": "relu", "architecture": MLP | {"dropout": 0.1 * (1 + seed)}} for seed in range(3)
    ]
    alone = [make(**spec) for spec in specs]
    for course in alone:
        train_epoch([course])
    stacked = [make(**spec) for spec in specs]
    train_epoch(stacked, Cohort(dense(stacked)))
    for one, other in zip(alone, stacked, strict=True):
        assert_alike(seen_of(one), list(seen_of(other).layers))
    assert len({seen_of(course).loss for course in stacked}) == 3


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_training_is_the_same_to_the_bit_with_it_and_without(
    architecture: object, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = []
    for looked_into in (True, False):
        if not looked_into:
            monkeypatch.setattr(probe, "due", lambda *_args, **_named: False)
        course = make(architecture=architecture, precision=precision, optimizer="adam")
        epochs = [train_epoch([course])[0] for _ in range(2)]
        assert (course.diagnostics is not None) is looked_into
        figures = [(each.train_loss, each.val_loss, each.val_accuracy) for each in epochs if each is not None]
        ends.append((figures, {**course.learner.network.state_dict(), **course.learner.state_tensors()}))
    assert ends[0][0] == ends[1][0]
    assert all(torch.equal(value, ends[1][1][name]) for name, value in ends[0][1].items())


def test_a_stack_is_the_same_to_the_bit_with_it_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []
    for looked_into in (True, False):
        if not looked_into:
            monkeypatch.setattr(probe, "due", lambda *_args, **_named: False)
        courses = [make(seed=seed, architecture=MLP | {"dropout": 0.3}) for seed in range(3)]
        stack = Cohort(dense(courses))
        for _ in range(2):
            train_epoch(courses, stack)
        ends.append([value for course in courses for value in course.learner.network.state_dict().values()])
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


def test_a_run_in_bf16_is_looked_into_in_single_precision() -> None:
    course = make(precision="bf16", activation="tanh")
    seen, before = train_and_remember(course)
    assert_alike(seen, reference(course, before))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_a_rate_that_is_too_high_saturates_and_a_moderate_one_does_not(activation: str) -> None:
    shares = {}
    for rate in (0.01, 30.0):
        course = make(activation=activation, optimizer={"name": "sgd", "learning_rate": rate})
        for _ in range(2):
            train_epoch([course])
        shares[rate] = [layer.saturated_share for layer in seen_of(course).layers]
    assert shares[0.01][0] is not None
    assert shares[30.0][0] is not None
    assert shares[0.01][0] < 0.1
    assert shares[30.0][0] > 0.8
    assert shares[30.0][2] is None, "nothing follows the output"


def test_a_rate_that_is_too_high_kills_units_of_relu() -> None:
    shares = {}
    for rate in (0.01, 8.0):
        course = make(activation="relu", optimizer={"name": "sgd", "learning_rate": rate})
        for _ in range(2):
            train_epoch([course])
        shares[rate] = seen_of(course).layers[1].dead_share
    assert shares[0.01] is not None
    assert shares[8.0] is not None
    assert shares[0.01] < 0.2
    assert shares[8.0] > 0.6


def test_a_layer_whose_units_are_all_dead_lets_no_gradient_through() -> None:
    course = make(activation="relu")
    with torch.no_grad():
        course.learner.network.get_parameter("hidden2.bias").fill_(-1e4)
    train_epoch([course])
    first, second, output = seen_of(course).layers
    assert (second.dead_share, first.gradient_norm, second.gradient_norm) == (1.0, 0.0, 0.0)
    assert output.dead_share is None


@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus"])
@pytest.mark.parametrize("architecture", [MLP, "lenet5"])
def test_what_is_not_finite_is_null(architecture: object, activation: str) -> None:
    course = make(architecture=architecture, activation=activation)
    with torch.no_grad():
        for parameter in course.learner.network.parameters():
            parameter.fill_(torch.nan)
    train_epoch([course])
    seen = seen_of(course)
    assert seen.loss is None
    for layer in seen.layers:
        assert (layer.saturated_share, layer.dead_share) == (None, None)
        assert (layer.gradient_norm, layer.weight_norm, layer.update_ratio) == (None, None, None)


def test_all_runs_of_a_data_set_are_looked_into_with_the_same_images_of_all_classes() -> None:
    chosen: list[dict[str, Any]] = [
        {"seed": 0},
        {"seed": 1, "dataset": {"name": "synthetic", "validation_fraction": 0.4}},
        {"seed": 2, "dataset": {"name": "synthetic", "train_size": 100, "augmentation": ["shift"]}},
    ]
    first, *others = [make(**each).data.probe for each in chosen]
    assert first[0].shape[0] == len(first[1]) == 64
    assert {*first[1].tolist()} == {*range(10)}
    for images, labels in others:
        assert torch.equal(images, first[0])
        assert torch.equal(labels, first[1])


@pytest.mark.parametrize(
    ("steps", "epochs", "expected"),
    [
        (103, 6, [1, 2, 3, 4, 5, 6]),
        (32, 4, [1, 2, 3, 4]),
        (20, 7, [1, 2, 4, 6, 7]),
        (3, 30, [1, 11, 22, 30]),
        (1, 70, [1, 32, 64, 70]),
        (1, 1, [1]),
    ],
)
def test_an_epoch_of_few_steps_is_looked_into_now_and_then(steps: int, epochs: int, expected: list[int]) -> None:
    assert [epoch for epoch in range(1, epochs + 1) if probe.due(epoch, steps=steps, epochs=epochs)] == expected


def test_an_epoch_that_was_not_looked_into_or_not_ended_has_nothing() -> None:
    course = make(epochs=30)
    seen = []
    for _ in range(12):
        train_epoch([course])
        seen.append(course.diagnostics is not None)
    assert [epoch for epoch, there in enumerate(seen, 1) if there] == [1, 11]
    course = make()
    course.interrupted = lambda: True
    assert train_epoch([course]) == [None]
    assert course.diagnostics is None


def test_of_a_stack_only_those_are_looked_into_whose_epoch_is_due_and_ended() -> None:
    courses = [make(seed=seed, epochs=30) for seed in range(3)]
    courses[0].epoch = 3
    asked: list[bool] = []
    courses[2].interrupted = lambda: asked.append(True) is None and len(asked) == 3  # type: ignore[func-returns-value]
    train_epoch(courses, Cohort(dense(courses)))
    assert [course.diagnostics is not None for course in courses] == [False, True, False]
    assert seen_of(courses[1]).epoch == 1


def looks(bench: Bench, experiment_id: str) -> tuple[EpochDiagnostics, ...]:
    """What is stored of a run."""
    with bench.database.reading() as session:
        return diagnostics.looks(session, experiment_id)


def ended(bench: Bench, *experiment_ids: str) -> bool:
    """True once all of them have."""
    return all(bench.get(each).state.ended for each in experiment_ids)


def test_workers_store_what_they_see_and_a_run_that_is_lost_ends_with_the_same(shared: Bench) -> None:
    """Its later half is gone through again, after figures that are not its own were left there."""
    chosen: dict[str, Any] = {"epochs": 6, "batch_size": 16, "architecture": MLP, "checkpoints": {"keep": "all"}}
    experiment_id = shared.submit(**chosen)
    shared.wait_until(lambda: ended(shared, experiment_id))
    whole = looks(shared, experiment_id)
    assert [each.epoch for each in whole] == [1, 2, 3, 4, 5, 6]
    assert [layer.name for layer in whole[0].layers] == ["hidden1", "hidden2", "output"]
    with shared.database.writing() as session:
        wrong = [whole[0].model_copy(update={"epoch": epoch}) for epoch in (5, 7)]
        diagnostics.record(session, experiment_id, wrong)
    shared.lose(experiment_id, after=3)
    shared.wait_until(lambda: ended(shared, experiment_id))
    assert shared.get(experiment_id).attempt == 2
    assert looks(shared, experiment_id) == whole


def test_a_sweep_whose_runs_are_stacked_stores_what_each_alone_would(shared: Bench) -> None:
    seeds = [shared.submit(seed=seed, epochs=2, batch_size=32, architecture=MLP) for seed in range(3)]
    shared.wait_until(lambda: ended(shared, *seeds))
    for seed, experiment_id in enumerate(seeds):
        course = make(seed=seed, batch_size=32, dataset="synthetic")
        for each in looks(shared, experiment_id):
            train_epoch([course])
            assert_alike(each, list(seen_of(course).layers))
        assert course.epoch == 2
