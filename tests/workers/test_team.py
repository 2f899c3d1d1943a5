"""Threads that share a batch compute what one would, and the same each time."""

import copy
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from service import architectures
from service.datasets import Split
from service.domain.spec import ExperimentSpec
from workers import learners, team
from workers.autograd import AutogradLearner
from workers.evaluation import evaluate
from workers.team import Meeting, shared

WITH_BATCH_NORM = {"name": "cnn", "channels": [5, 6], "hidden": [12], "batch_norm": True}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """For the kernels: the shares are threads enough."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(architecture: object = WITH_BATCH_NORM, **spec: Any) -> AutogradLearner:
    """A small learner whose batches are shared all the same."""
    parsed = ExperimentSpec.model_validate({"dataset": "synthetic", "architecture": architecture} | spec)
    torch.manual_seed(0)
    network = architectures.build(parsed.architecture, activation=parsed.activation, image_size=16, classes=10)
    learner = learners.build(network, parsed)
    assert isinstance(learner, AutogradLearner)
    learner.shared = True
    return learner


def batch(seed: int = 1, count: int = 37) -> tuple[torch.Tensor, torch.Tensor]:
    """Images `(batch, 1, 16, 16)` and labels; the shares are not of one size."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 16, 16, generator=generator), torch.randint(0, 10, (count,), generator=generator)


def steps(learner: AutogradLearner, count: int = 3) -> tuple[float, float]:
    """Train on a few batches; the figures."""
    learner.network.train()
    learner.seed(5)
    learner.begin_epoch(37 * count)
    for seed in range(count):
        learner.step(*batch(seed), learning_rate=0.05)
    return learner.epoch_figures()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(
    "architecture", [WITH_BATCH_NORM, "lenet5", {"name": "mlp", "hidden": [9], "batch_norm": True}]
)
def test_shared_steps_are_those_of_the_usual_loop(architecture: object, smoothing: float) -> None:
    learner = make(architecture, loss={"label_smoothing": smoothing})
    usual = copy.deepcopy(learner.network)
    moves = torch.optim.SGD(usual.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for seed in range(3):
        images, labels = batch(seed)
        loss = functional.cross_entropy(usual(images), labels, label_smoothing=smoothing)
        moves.zero_grad()
        torch.autograd.backward(loss)
        moves.step()
        losses.append(loss.item())
    assert steps(learner)[0] == pytest.approx(sum(losses) / 3, rel=1e-5)
    for (name, ours), theirs in zip(learner.network.state_dict().items(), usual.state_dict().values(), strict=True):
        assert (ours - theirs).abs().max() < 2e-5, name


def test_running_statistics_are_those_of_the_whole_batch() -> None:
    learner = make()
    before = copy.deepcopy(dict(learner.network.named_buffers()))
    steps(learner)
    counted = {name: buffer for name, buffer in learner.network.named_buffers() if "num_batches" in name}
    assert counted
    assert {int(buffer) for buffer in counted.values()} == {3}
    assert all(not torch.equal(buffer, before[name]) for name, buffer in learner.network.named_buffers())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_each_time_with_the_same_bits(precision: str) -> None:
    architecture = {**WITH_BATCH_NORM, "dropout": 0.4}
    first, second = (make(architecture, precision=precision) for _ in range(2))
    assert steps(first) == steps(second)
    assert all(
        torch.equal(one, other)
        for one, other in zip(first.network.state_dict().values(), second.network.state_dict().values(), strict=True)
    )


def test_each_share_draws_its_own_dropout() -> None:
    learner = make({"name": "cnn", "channels": [4], "hidden": [64], "dropout": 0.5})
    image, label = batch(count=1)
    learner.network.train()
    learner.seed(1)
    learner.begin_epoch(32)
    learner.step(image.repeat(32, 1, 1, 1), label.repeat(32), learning_rate=0.0)
    masked: list[torch.Tensor] = []
    for layers in learner._shares:
        output = next(layer for layer in layers if isinstance(layer, nn.Linear) and layer.out_features == 10)
        hook = output.register_forward_pre_hook(lambda _layer, given: masked.append(given[0].detach() == 0))
        layers(image)
        hook.remove()
    assert not torch.equal(masked[0], masked[1])


def test_a_batch_that_is_too_small_is_not_shared() -> None:
    learner = make()
    learner.network.train()
    learner.begin_epoch(3)
    learner.step(*batch(count=3), learning_rate=0.1)
    assert learner._meeting._visits == [0, 0]


def test_only_a_large_network_is_shared() -> None:
    def is_shared(architecture: object, **spec: Any) -> bool:
        parsed = ExperimentSpec.model_validate({"dataset": "mnist", "architecture": architecture} | spec)
        network = architectures.build(parsed.architecture, activation="relu", image_size=28, classes=10)
        return learners.build(network, parsed).shared

    assert is_shared("mnist_example")
    assert not is_shared("mlp")
    assert not is_shared("lenet5")
    assert is_shared("lenet5", batch_size=512)


def test_what_goes_wrong_in_one_share_is_raised_and_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = make()
    learner.network.train()
    learner.begin_epoch(37)
    monkeypatch.setitem(learner._shares[1]._modules, "0", _Failing())
    with pytest.raises(ZeroDivisionError):
        learner.step(*batch(), learning_rate=0.1)


class _Failing(nn.Module):
    def forward(self, _values: torch.Tensor) -> torch.Tensor:
        """Never."""
        raise ZeroDivisionError


def test_a_meeting_gives_all_the_same_sum_again_and_again() -> None:
    meeting = Meeting()

    def visit(share: int) -> list[float]:
        return [meeting.sum(torch.tensor(float(10**share * turn)), share=share).item() for turn in range(50)]

    assert shared(visit, range(team.SHARES)) == [[11.0 * turn for turn in range(50)]] * team.SHARES


def test_the_threads_have_the_settings_of_the_one_that_asks() -> None:
    torch.set_num_threads(1)
    assert shared(lambda _share: torch.get_num_threads(), range(2)) == [1, 1]
    names = shared(lambda _share: threading.current_thread().name, range(2))
    assert names[0] == threading.current_thread().name
    assert names[1] != names[0]


def test_shared_judging_comes_to_the_same_figures() -> None:
    learner = make("lenet5")
    images = torch.randint(0, 256, (3000, 16, 16), dtype=torch.uint8)
    split = Split(images=images, labels=torch.arange(3000) % 10)
    alone, together = (
        evaluate(learner.evaluated, split, mean=0.3, std=0.2, label_smoothing=0.1, shared=each, keep_logits=True)
        for each in (False, True)
    )
    assert alone == together
    assert alone.logits is not None
    assert together.logits is not None
    assert torch.equal(alone.logits, together.logits)
