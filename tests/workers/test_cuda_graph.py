"""A step that is replayed on a GPU is the step that is launched."""

from typing import Any

import pytest
import torch

from service import architectures
from service.domain.spec import ExperimentSpec
from workers import learners
from workers.autograd import AutogradLearner

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU: no step was recorded")


def trained(architecture: object, *, record: bool, **spec: Any) -> tuple[AutogradLearner, tuple[float, float]]:
    """A few steps, the last of them with a smaller batch."""
    parsed = ExperimentSpec.model_validate(
        {"dataset": "synthetic", "architecture": architecture, "batch_size": 32} | spec
    )
    torch.manual_seed(0)
    network = architectures.build(parsed.architecture, activation="relu", image_size=16, classes=10).cuda()
    learner = learners.build(network, parsed)
    assert isinstance(learner, AutogradLearner)
    learner._was_recorded = not record
    generator = torch.Generator().manual_seed(1)
    learner.network.train()
    learner.seed(3)
    learner.begin_epoch(32 * 5 + 7)
    for count in (32, 32, 32, 32, 32, 7):
        images = torch.randn(count, 1, 16, 16, generator=generator).cuda()
        labels = torch.randint(0, 10, (count,), generator=generator).cuda()
        learner.step(images, labels, learning_rate=0.05)
    return learner, learner.epoch_figures()


@needs_gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "architecture",
    ["mlp", "lenet5", {"name": "cnn", "batch_norm": True}, {"name": "cnn", "dropout": 0.3}],
    ids=["mlp", "lenet5", "batch norm", "dropout"],
)
def test_replayed_steps_learn_what_launched_ones_do(architecture: object, precision: str) -> None:
    replayed, figures = trained(architecture, record=True, precision=precision)
    launched, expected = trained(architecture, record=False, precision=precision)
    assert replayed._recorded is not None
    assert launched._recorded is None
    assert figures == pytest.approx(expected, rel=1e-3)
    for name, value in replayed.network.state_dict().items():
        assert (value.float() - launched.network.state_dict()[name].float()).abs().max() < 1e-2, name


def test_on_a_processor_nothing_is_recorded() -> None:
    parsed = ExperimentSpec.model_validate({"dataset": "synthetic", "architecture": "lenet5", "batch_size": 4})
    network = architectures.build(parsed.architecture, activation="relu", image_size=16, classes=10)
    learner = learners.build(network, parsed)
    assert isinstance(learner, AutogradLearner)
    learner.network.train()
    learner.begin_epoch(4)
    learner.step(torch.randn(4, 1, 16, 16), torch.arange(4), learning_rate=0.1)
    assert learner._recorded is None
    assert learner._was_recorded is False
