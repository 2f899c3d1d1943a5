"""The training loop on real tensors, in this process."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from service import architectures, datasets
from service.domain.metrics import EpochMetrics
from service.domain.optimizers import OPTIMIZERS
from service.domain.schedules import SCHEDULES
from service.domain.spec import ExperimentSpec
from workers import learners, trainer, training_data
from workers.evaluation import evaluate
from workers.learner import Learner
from workers.randomness import Purpose, seed_global
from workers.training_data import TrainingData

NOWHERE = Path("nowhere")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks on a shared machine: more threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(**spec: Any) -> tuple[ExperimentSpec, TrainingData, Learner]:
    """A small run, ready to be trained."""
    parsed = ExperimentSpec.model_validate(
        {
            "dataset": {"name": "synthetic", "train_size": 300},
            "architecture": {"name": "mlp", "hidden": [16]},
            "epochs": 4,
        }
        | spec
    )
    data = training_data.prepare(parsed.dataset, seed=parsed.seed, data_dir=NOWHERE, mirror=None)
    seed_global(parsed.seed, epoch=0, purpose=Purpose.WEIGHTS)
    network = architectures.build(
        parsed.architecture, activation=parsed.activation, image_size=parsed.dataset.side, classes=10
    )
    return parsed, data, learners.build(network, parsed)


def figures(epoch: EpochMetrics) -> tuple[float | None, ...]:
    """What must be equal to the bit."""
    return epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy, epoch.learning_rate


def test_the_same_spec_gives_the_same_numbers_and_another_seed_gives_others() -> None:
    runs = []
    for seed in (0, 0, 1):
        spec, data, learning = make(seed=seed)
        runs.append([figures(epoch) for epoch in trainer.train(learning, data, spec)])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_what_was_drawn_before_does_not_change_an_epoch() -> None:
    curves = []
    for draws in (0, 7):
        spec, data, learning = make(architecture={"name": "mlp", "hidden": [16], "dropout": 0.5})
        epochs = []
        for epoch in trainer.train(learning, data, spec):
            torch.rand(draws)
            epochs.append(figures(epoch))
        curves.append(epochs)
    assert curves[0] == curves[1]


@pytest.mark.parametrize("options", OPTIMIZERS, ids=lambda options: options.model_fields["name"].default)
@pytest.mark.parametrize("interrupted_after", [1, 3])
@pytest.mark.parametrize(
    "architecture",
    [
        {"name": "cnn", "channels": [4], "hidden": [8], "dropout": 0.3, "batch_norm": True},
        {"name": "mlp", "hidden": [16], "dropout": 0.3},
    ],
    ids=["by autograd", "written out"],
)
def test_a_run_goes_on_bit_for_bit_from_weights_and_optimizer_state(
    options: Any, architecture: dict[str, Any], interrupted_after: int
) -> None:
    chosen = {
        "optimizer": options.model_fields["name"].default,
        "architecture": architecture,
        "schedule": "cosine",
    }
    spec, data, learning = make(**chosen)
    whole = [figures(epoch) for epoch in trainer.train(learning, data, spec)]
    final = {name: tensor.clone() for name, tensor in learning.network.state_dict().items()}

    spec, data, learning = make(**chosen)
    first = [figures(epoch) for epoch in islice(trainer.train(learning, data, spec), interrupted_after)]
    weights = {name: tensor.clone() for name, tensor in learning.network.state_dict().items()}
    state = {name: tensor.clone() for name, tensor in learning.state_tensors().items()}

    _, _, other = make(seed=99, **chosen)
    other.network.load_state_dict(weights)
    other.load_state_tensors(state)
    rest = [figures(epoch) for epoch in trainer.train(other, data, spec, after_epoch=interrupted_after)]
    assert first + rest == whole
    assert all(torch.equal(tensor, final[name]) for name, tensor in other.network.state_dict().items())


def test_dropping_the_optimizer_state_is_noticed_by_the_test_above() -> None:
    spec, data, learning = make()
    whole = [figures(epoch) for epoch in trainer.train(learning, data, spec)]
    spec, data, learning = make()
    next(trainer.train(learning, data, spec))
    anew = learners.build(learning.network, spec)
    rest = [figures(epoch) for epoch in trainer.train(anew, data, spec, after_epoch=1)]
    assert rest != whole[1:]


def test_training_figures_are_means_over_the_images_as_trained() -> None:
    """Against the usual loop, written out; the last batch is smaller than the others."""
    spec, data, learning = make(epochs=1, batch_size=70)
    mirror = make(epochs=1, batch_size=70)[2].network
    usual = torch.optim.SGD(mirror.parameters(), lr=0.03, momentum=0.9)
    (epoch,) = trainer.train(learning, data, spec)

    images, labels = _as_shuffled(data, spec)
    losses, hits = [], 0
    for part in torch.split(torch.arange(len(labels)), spec.batch_size):
        logits = mirror(datasets.standardise(images[part], mean=data.mean, std=data.std))
        loss = functional.cross_entropy(logits, labels[part], reduction="none")
        usual.zero_grad()
        torch.autograd.backward(loss.mean())
        usual.step()
        losses += loss.tolist()
        hits += int((logits.argmax(1) == labels[part]).sum())
    assert epoch.train_loss == pytest.approx(sum(losses) / len(losses), rel=1e-6)
    assert epoch.train_accuracy == hits / len(labels)


def _as_shuffled(data: TrainingData, spec: ExperimentSpec) -> tuple[torch.Tensor, torch.Tensor]:
    from workers.randomness import generator

    order = torch.randperm(len(data.train), generator=generator(spec.seed, epoch=1, purpose=Purpose.SHUFFLE))
    taken = data.train.taken()
    return taken.images[order], taken.labels[order]


def test_validation_is_over_the_whole_split_after_the_epoch() -> None:
    spec, data, learning = make(epochs=1)
    (epoch,) = trainer.train(learning, data, spec)
    learning.network.eval()
    with torch.no_grad():
        logits = learning.network(datasets.standardise(data.validation.images, mean=data.mean, std=data.std))
    assert epoch.val_loss == pytest.approx(functional.cross_entropy(logits, data.validation.labels).item(), rel=1e-5)
    hits = int((logits.argmax(1) == data.validation.labels).sum())
    assert epoch.val_accuracy == hits / len(data.validation)


def test_evaluation_leaves_dropout_out() -> None:
    _, data, learning = make(architecture={"name": "mlp", "hidden": [16], "dropout": 0.9})
    judged = [
        evaluate(learning.network, data.test, mean=data.mean, std=data.std, label_smoothing=0.0) for _ in range(2)
    ]
    assert judged[0] == judged[1]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.model_fields["name"].default)
def test_every_schedule_trains_and_its_rate_is_recorded(schedule: Any) -> None:
    name = schedule.model_fields["name"].default
    spec, data, learning = make(schedule=name, batch_size=100)
    steps = 3
    for epoch in trainer.train(learning, data, spec):
        last = spec.schedule.learning_rate(0.03, step=epoch.epoch * steps - 1, steps_per_epoch=steps, epochs=4)
        assert epoch.learning_rate == last


def test_a_diverged_epoch_has_no_loss_and_does_not_raise() -> None:
    spec, data, learning = make(optimizer={"name": "sgd", "learning_rate": 1000.0})
    last = list(trainer.train(learning, data, spec))[-1]
    assert last.train_loss is None
    assert last.val_loss is None


def test_label_smoothing_is_part_of_the_loss() -> None:
    losses = []
    for smoothing in (0.0, 0.4):
        spec, data, learning = make(loss={"name": "cross_entropy", "label_smoothing": smoothing}, epochs=2)
        losses.append(list(trainer.train(learning, data, spec))[-1].val_loss)
    assert losses[0] is not None
    assert losses[1] is not None
    assert losses[0] < losses[1]


def test_an_interruption_is_seen_before_the_next_batch() -> None:
    spec, data, learning = make(batch_size=10)
    told: list[float] = []
    training = trainer.train(learning, data, spec, interrupted=lambda: len(told) >= 5, progress=told.append)
    with pytest.raises(trainer.InterruptedTrainingError):
        next(training)
    assert told == [pytest.approx(batch / 30 / 4) for batch in range(1, 6)]


def test_validation_and_test_are_never_trained_on() -> None:
    _, data, _ = make(dataset="synthetic")
    whole = datasets.load("synthetic", data_dir=NOWHERE)
    assert len(data.train) + len(data.validation) == len(whole.train)
    assert torch.equal(data.test.images, whole.test.images)
    seen = {image.numpy().tobytes() for image in data.train.taken().images}
    assert not any(image.numpy().tobytes() in seen for image in data.validation.images)


def test_the_split_depends_on_the_seed_alone() -> None:
    first, again, other = (make(seed=seed)[1].validation.images for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
