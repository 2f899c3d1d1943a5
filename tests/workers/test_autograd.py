"""What is rearranged for speed computes what it computed before."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from service import activations, architectures
from service.domain.spec import ExperimentSpec
from workers import environment, learners
from workers.autograd import AutogradLearner


def make(**spec: object) -> tuple[nn.Sequential, AutogradLearner]:
    """An untouched copy of a network, and its learner with plain gradient descent."""
    plain = {"dataset": "synthetic", "optimizer": {"name": "sgd", "learning_rate": 1.0, "momentum": 0.0}}
    parsed = ExperimentSpec.model_validate(plain | spec)
    torch.manual_seed(0)
    network = architectures.build(parsed.architecture, activation=parsed.activation, image_size=16, classes=10)
    untouched = copy.deepcopy(network)
    learner = learners.build(network, parsed)
    assert isinstance(learner, AutogradLearner)
    return untouched, learner


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Images `(batch, 1, 16, 16)` and labels."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(32, 1, 16, 16, generator=generator), torch.randint(0, 10, (32,), generator=generator)


@pytest.mark.parametrize("activation", activations.names())
@pytest.mark.parametrize("architecture", ["cnn", "lenet5", {"name": "cnn", "batch_norm": True, "pool": "average"}])
def test_a_step_is_that_of_the_usual_loop(architecture: object, activation: str) -> None:
    untouched, learner = make(architecture=architecture, activation=activation)
    images, labels = batch()
    untouched.train()
    loss = functional.cross_entropy(untouched(images), labels)
    torch.autograd.backward(loss)
    learner.network.train()
    learner.begin_epoch(len(labels))
    learner.step(images, labels, learning_rate=0.5)
    assert learner.epoch_figures()[0] == pytest.approx(loss.item(), rel=1e-5)
    moved = dict(learner.network.named_parameters())
    for name, before in untouched.named_parameters():
        assert before.grad is not None
        expected = before.detach() - 0.5 * before.grad
        assert (moved[name].detach() - expected).abs().max() < 1e-5, name


def test_parameters_are_moved_in_place_whatever_their_layout() -> None:
    _, learner = make(architecture={"name": "cnn", "channels": [1, 3, 2], "kernel_size": 1}, activation="tanh")
    before = {name: each.detach().clone() for name, each in learner.network.named_parameters()}
    images, labels = batch()
    learner.network.train()
    learner.begin_epoch(len(labels))
    learner.step(images, labels, learning_rate=0.1)
    for name, each in learner.network.named_parameters():
        assert not torch.equal(each.detach(), before[name]), name


@pytest.mark.skipif(
    not environment.has_bf16(torch.device("cpu")), reason="this processor has no bf16 arithmetic: nothing to compare"
)
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_bf16_is_near_fp32_and_not_the_same(architecture: str) -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        parsed = ExperimentSpec.model_validate(
            {"dataset": "synthetic", "architecture": architecture, "precision": precision}
        )
        torch.manual_seed(0)
        network = architectures.build(parsed.architecture, activation="relu", image_size=16, classes=10)
        learner = learners.build(network, parsed)
        images, labels = batch()
        learner.network.train()
        learner.begin_epoch(len(labels))
        learner.step(images, labels, learning_rate=0.1)
        losses.append(learner.epoch_figures()[0])
        assert {each.dtype for each in learner.network.parameters()} == {torch.float32}
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_resumed_run_is_one_that_was_not_interrupted_to_the_bit() -> None:
    images, labels = batch()
    whole, resumed = (make(architecture="mnist_example", optimizer="adadelta")[1] for _ in range(2))
    for epoch in (1, 2):
        if epoch == 2:
            weights, memory = copy.deepcopy(resumed.network.state_dict()), resumed.state_tensors()
            resumed = make(architecture="mnist_example", optimizer="adadelta")[1]
            resumed.network.load_state_dict(weights)
            resumed.load_state_tensors(memory)
        for learner in (whole, resumed):
            learner.seed(epoch)
            learner.begin_epoch(3 * len(labels))
            for _ in range(3):
                learner.step(images, labels, learning_rate=0.3)
            learner.evaluated.eval()(images)
        assert whole.epoch_figures() == resumed.epoch_figures()
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
