"""Networks that learn in rows, as they do on a GPU, learn what they learn alone and on a processor.

All of it but the recording works on a processor as well: so it is tried there, and on a GPU where there is one.
"""

import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from service import activations, architectures
from service.domain.metrics import EpochMetrics
from service.domain.optimizers import OPTIMIZERS
from service.domain.spec import ExperimentSpec
from workers import cohort, environment, learners, probe, trainer, training_data
from workers.learner import Learner
from workers.randomness import Purpose, seed_global
from workers.row_learner import RowLearner
from workers.rows import Rows
from workers.trainer import Course, train_epoch

NOWHERE = Path("nowhere")
CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU: nothing ran on one")

ARCHITECTURES: dict[str, Any] = {
    "perceptron": "perceptron",
    "mlp": {"name": "mlp", "hidden": [20, 9]},
    "mlp with batch norm": {"name": "mlp", "hidden": [20], "batch_norm": True},
    "cnn": {"name": "cnn", "channels": [4, 6], "hidden": [12]},
    "cnn with batch norm": {"name": "cnn", "channels": [5], "hidden": [12], "batch_norm": True, "pool": "stride"},
    "lenet5": "lenet5",
}
architecture_of_each_kind = pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks on a shared machine: more threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
def device(request: pytest.FixtureRequest) -> torch.device:
    """Where the rows are."""
    return torch.device(request.param)


def make(device: torch.device, *, in_rows: bool = True, **spec: Any) -> Course:
    """A small run, ready to be trained; its last batch is smaller than the others."""
    parsed = ExperimentSpec.model_validate(
        {
            "dataset": {"name": "synthetic", "train_size": 180},
            "architecture": ARCHITECTURES["mlp"],
            "batch_size": 40,
            "epochs": 3,
        }
        | spec
    )
    data = training_data.prepare(parsed.dataset, seed=parsed.seed, data_dir=NOWHERE, mirror=None).to(device)
    seed_global(parsed.seed, epoch=0, purpose=Purpose.WEIGHTS)
    network = architectures.build(
        parsed.architecture, activation=parsed.activation, image_size=parsed.dataset.side, classes=10
    ).to(device)
    return Course(RowLearner(network, parsed) if in_rows else learners.build(network, parsed), data, parsed)


def figures(epoch: EpochMetrics | None) -> tuple[float | None, ...]:
    """What must be equal to the bit."""
    assert epoch is not None
    return epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy, epoch.learning_rate


def weights(course: Course) -> list[torch.Tensor]:
    """A copy of them, on the processor."""
    return [value.cpu().clone() for value in course.learner.network.state_dict().values()]


def in_rows(courses: Sequence[Course]) -> Rows:
    """Put them side by side."""
    return Rows([course.learner for course in courses if isinstance(course.learner, RowLearner)])


def alone(device: torch.device, specs: Sequence[dict[str, Any]]) -> tuple[list[list[Any]], list[list[torch.Tensor]]]:
    """Curves and final weights of each, one after another."""
    courses = [make(device, **spec) for spec in specs]
    curves = [[figures(train_epoch([course])[0]) for _ in range(3)] for course in courses]
    return curves, [weights(course) for course in courses]


def side_by_side(
    device: torch.device, specs: Sequence[dict[str, Any]]
) -> tuple[list[list[Any]], list[list[torch.Tensor]]]:
    """The same, in rows."""
    courses = [make(device, **spec) for spec in specs]
    rows = in_rows(courses)
    epochs = [[figures(epoch) for epoch in train_epoch(courses, rows)] for _ in range(3)]
    return [list(curve) for curve in zip(*epochs, strict=True)], [weights(course) for course in courses]


def assert_equal(one: Any, other: Any) -> None:
    """Curves and weights, to the bit."""
    assert one[0] == other[0]
    assert all(torch.equal(a, b) for x, y in zip(one[1], other[1], strict=True) for a, b in zip(x, y, strict=True))


def assert_near(one: Course, other: Course, *, within: float = 1e-4) -> None:
    """Weights that came about by other kernels."""
    for name, value in one.learner.network.state_dict().items():
        theirs = other.learner.network.state_dict()[name]
        assert (value.cpu().float() - theirs.cpu().float()).abs().max() < within, name


@architecture_of_each_kind
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_network_learns_what_it_learns_on_a_processor(
    device: torch.device, architecture: Any, activation: str
) -> None:
    chosen = {"architecture": architecture, "activation": activation, "loss": {"label_smoothing": 0.1}}
    ours, theirs = make(device, **chosen), make(CPU, in_rows=False, **chosen)
    for _ in range(2):
        one, other = figures(train_epoch([ours])[0]), figures(train_epoch([theirs])[0])
        assert one == pytest.approx(other, rel=2e-3)
    assert_near(ours, theirs)


@pytest.mark.parametrize("activation", activations.names())
def test_with_any_activation(device: torch.device, activation: str) -> None:
    ours, theirs = (make(where, in_rows=rows, activation=activation) for where, rows in ((device, True), (CPU, False)))
    for course in (ours, theirs):
        train_epoch([course])
    assert_near(ours, theirs)


@pytest.mark.parametrize("options", OPTIMIZERS, ids=lambda options: options.model_fields["name"].default)
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_with_any_optimizer(device: torch.device, options: Any, architecture: str, weight_decay: float) -> None:
    """The tolerance is that of rules that divide by the root of a small gradient's square."""
    chosen = {
        "architecture": ARCHITECTURES[architecture],
        "activation": "tanh",
        "optimizer": {"name": options.model_fields["name"].default, "weight_decay": weight_decay},
    }
    ours, theirs = make(device, **chosen), make(CPU, in_rows=False, **chosen)
    for _ in range(2):
        train_epoch([ours])
        train_epoch([theirs])
    assert_near(ours, theirs, within=2e-3)


@architecture_of_each_kind
def test_seeds_side_by_side_are_what_they_are_alone(device: torch.device, architecture: Any) -> None:
    specs = [{"seed": seed, "architecture": architecture} for seed in range(5)]
    found = side_by_side(device, specs)
    assert_equal(found, alone(device, specs))
    assert len({curve[-1] for curve in found[0]}) == 5


@pytest.mark.parametrize("options", OPTIMIZERS, ids=lambda options: options.model_fields["name"].default)
def test_each_has_its_own_learning_rate_weight_decay_momentum_dropout_and_schedule(
    device: torch.device, options: Any
) -> None:
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
    assert_equal(side_by_side(device, specs), alone(device, specs))


def test_members_come_and_go_between_epochs(device: torch.device) -> None:
    """One joins later, one leaves, at different epochs of their runs: nobody's numbers change."""
    specs: list[dict[str, Any]] = [{"seed": seed, "schedule": "cosine", "optimizer": "adam"} for seed in range(3)]
    expected, final = alone(device, specs)
    courses = [make(device, **spec) for spec in specs]
    curves: list[list[Any]] = [[], [], []]
    for members in ([0], [0, 1], [0, 1, 2], [1, 2], [2]):
        together = [courses[member] for member in members]
        rows = in_rows(together) if len(together) > 1 else None
        for member, epoch in zip(members, train_epoch(together, rows), strict=True):
            curves[member].append(figures(epoch))
    assert_equal((curves, [weights(course) for course in courses]), (expected, final))


@architecture_of_each_kind
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_run_goes_on_bit_for_bit_from_weights_and_optimizer_state(
    device: torch.device, architecture: Any, optimizer: str, dropout: float
) -> None:
    if dropout and not isinstance(architecture, dict):
        pytest.skip("it has no dropout")
    chosen: dict[str, Any] = {"optimizer": optimizer, "architecture": architecture, "schedule": "cosine"}
    if dropout:
        chosen["architecture"] = architecture | {"dropout": dropout}
    whole = make(device, **chosen)
    expected = [figures(epoch) for epoch in trainer.train(whole.learner, whole.data, whole.spec)]

    lost = make(device, **chosen)
    first = [figures(epoch) for epoch in islice(trainer.train(lost.learner, lost.data, lost.spec), 1)]
    found = make(device, seed=99, **chosen)
    hand_over(lost.learner, found.learner)
    rest = [figures(epoch) for epoch in trainer.train(found.learner, lost.data, lost.spec, after_epoch=1)]
    assert first + rest == expected
    assert all(torch.equal(a, b) for a, b in zip(weights(found), weights(whole), strict=True))


def hand_over(from_: Learner, to: Learner) -> None:
    """As a checkpoint does."""
    to.network.load_state_dict({name: value.cpu().clone() for name, value in from_.network.state_dict().items()})
    to.load_state_tensors({name: value.cpu().clone() for name, value in from_.state_tensors().items()})


def test_what_is_silenced_follows_from_each_networks_seed(device: torch.device) -> None:
    courses = [make(device, architecture={"name": "mlp", "hidden": [20, 9], "dropout": 0.5}) for _ in range(3)]
    rows = in_rows(courses)
    images = torch.rand(40, 1, 16, 16).expand(3, -1, -1, -1, -1)
    losses = []
    for seeds in ((5, 6, 5), (7, 6, 5)):
        for course, seed in zip(courses, seeds, strict=True):
            course.learner.seed(seed)
        rows.begin_epoch(40)
        rows.step(images.to(device), torch.zeros(3, 40, dtype=torch.int64).to(device), learning_rates=[0.0] * 3)
        losses += [rows.figures(row)[0] for row in range(3)]
    assert losses[0] == losses[2] == losses[5]
    assert losses[1] == losses[4]
    assert len({*losses}) == 3


@architecture_of_each_kind
@pytest.mark.parametrize("first_in_rows", [True, False], ids=["from rows", "to rows"])
def test_a_run_goes_on_near_enough_on_another_kind_of_device(
    device: torch.device, architecture: Any, first_in_rows: bool
) -> None:
    """What the optimizer remembers is stored alike: a wrong order of it would show."""
    chosen: dict[str, Any] = {"architecture": architecture, "optimizer": "adam", "activation": "tanh"}
    kinds = [(device, True), (CPU, False)] if first_in_rows else [(CPU, False), (device, True)]
    (first, rows_at_first), (second, rows_then) = kinds
    lost = make(first, in_rows=rows_at_first, **chosen)
    train_epoch([lost])
    found = make(second, in_rows=rows_then, **chosen)
    hand_over(lost.learner, found.learner)
    found.epoch = 1
    train_epoch([lost])
    train_epoch([found])
    assert_near(found, lost, within=5e-4)


def test_augmented_images_are_each_runs_own(device: torch.device) -> None:
    augmentation = ["shift", {"name": "elastic"}, "affine"]
    dataset = {"name": "synthetic", "train_size": 180, "augmentation": augmentation}
    specs = [{"seed": seed, "dataset": dataset} for seed in range(3)]
    assert_equal(side_by_side(device, specs), alone(device, specs))


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_one_that_is_interrupted_leaves_the_others_as_they_are(device: torch.device, architecture: str) -> None:
    specs = [{"seed": seed, "architecture": ARCHITECTURES[architecture]} for seed in range(3)]
    expected = alone(device, specs)[0]
    courses = [make(device, **spec) for spec in specs]
    asked: list[int] = []
    courses[1].interrupted = lambda: asked.append(1) is None and len(asked) > 2  # type: ignore[func-returns-value]
    first, second, third = train_epoch(courses, in_rows(courses))
    assert second is None
    assert figures(first) == expected[0][0]
    assert figures(third) == expected[2][0]


@architecture_of_each_kind
def test_what_is_seen_inside_is_what_is_seen_on_a_processor(device: torch.device, architecture: Any) -> None:
    specs: list[dict[str, Any]] = [
        {"seed": seed, "architecture": architecture, "activation": "tanh"} for seed in range(2)
    ]
    courses = [make(device, **spec) for spec in specs]
    train_epoch(courses, in_rows(courses))
    for course, spec in zip(courses, specs, strict=True):
        theirs = make(CPU, in_rows=False, **spec)
        train_epoch([theirs])
        assert course.diagnostics is not None
        assert theirs.diagnostics is not None
        assert course.diagnostics.loss == pytest.approx(theirs.diagnostics.loss, rel=1e-3)
        for one, other in zip(course.diagnostics.layers, theirs.diagnostics.layers, strict=True):
            assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=2e-3)
            assert one.weight_norm == pytest.approx(other.weight_norm, rel=1e-4)
            assert one.update_ratio == pytest.approx(other.update_ratio, rel=2e-2)
            assert one.saturated_share == pytest.approx(other.saturated_share, abs=5e-3)


def test_a_look_inside_changes_nothing(device: torch.device, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = alone(device, [{"seed": 0}])
    monkeypatch.setattr(probe, "due", lambda *_given, **_named: False)
    assert_equal(alone(device, [{"seed": 0}]), expected)


def test_bf16_is_near_fp32_and_not_the_same(device: torch.device) -> None:
    if not environment.has_bf16(device):
        pytest.skip("there is no bf16 arithmetic")
    for architecture in ("mlp", "lenet5"):
        losses = [
            figures(train_epoch([make(device, architecture=ARCHITECTURES[architecture], precision=precision)])[0])[0]
            for precision in ("fp32", "bf16")
        ]
        assert losses[0] != losses[1]
        assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_networks_that_are_put_together_were_seen_to_agree(device: torch.device) -> None:
    courses = [make(device, seed=seed) for seed in range(3)]
    together = cohort.together([course.learner for course in courses], images=len(courses[0].data.train))
    assert isinstance(together, Rows)
    assert len(together) == 3
    assert cohort.together([courses[0].learner], images=180) is None


def test_rows_are_let_go_with_their_learners(device: torch.device) -> None:
    courses = [make(device, seed=seed) for seed in range(2)]
    rows = in_rows(courses)
    train_epoch(courses, rows)
    gone = weakref.ref(rows)
    train_epoch(courses[:1])
    train_epoch(courses[1:])
    del rows
    assert gone() is None


@needs_gpu
@architecture_of_each_kind
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("members", [1, 3])
def test_on_a_gpu_steps_are_replayed_and_learn_what_launched_ones_do(
    architecture: Any, precision: str, members: int
) -> None:
    device = torch.device("cuda")
    ends = []
    for record in (True, False):
        courses = [
            make(device, seed=seed, architecture=architecture, precision=precision, optimizer="adam", epochs=3)
            for seed in range(members)
        ]
        rows = in_rows(courses)
        recordings = rows.recordings
        assert recordings is not None
        if not record:
            rows.recordings = None
        curves = [[figures(epoch) for epoch in train_epoch(courses, rows)] for _ in range(3)]
        ends.append((curves, [weights(course) for course in courses]))
        if record:
            assert recordings.replays.keys() == {40, 20}
            assert None not in recordings.replays.values()
    assert_equal(*ends)


@contextmanager
def waiting_forbidden() -> Iterator[None]:
    """torch raises where the processor would wait for the device."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it does not notice every way to wait
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@needs_gpu
def test_waiting_for_the_device_would_be_noticed() -> None:
    number = torch.zeros((), device="cuda")
    with waiting_forbidden(), pytest.raises(RuntimeError, match="synchronizing"):
        number.item()


@needs_gpu
@pytest.mark.parametrize("members", [1, 4])
@pytest.mark.parametrize("augmentation", [None, ["shift"], ["affine", "elastic"]])
@pytest.mark.parametrize("architecture", ["mlp", "cnn with batch norm"])
def test_on_a_gpu_no_step_of_an_epoch_waits_for_it(members: int, augmentation: Any, architecture: str) -> None:
    """In the first epoch steps are recorded, and that does wait."""
    device = torch.device("cuda")
    dataset = {"name": "synthetic", "train_size": 180, "augmentation": augmentation}
    chosen = {"dataset": dataset, "schedule": "cosine", "architecture": ARCHITECTURES[architecture]}
    courses = [make(device, seed=seed, **chosen) for seed in range(members)]
    rows = in_rows(courses) if members > 1 else None
    for _ in range(2):
        train_epoch(courses, rows)
    for course in courses:
        course.epoch += 1
    with waiting_forbidden():
        learning_rates, looking = trainer._train_epoch(courses, rows)
    assert None not in learning_rates
    assert looking is not None
