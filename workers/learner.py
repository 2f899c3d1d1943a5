"""One network that learns, a batch at a time: gradients, then the optimizer's rule."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from service.domain.spec import ExperimentSpec
from workers import update_rules
from workers.evaluation import Evaluation, evaluate
from workers.training_data import TrainingData
from workers.update_rules import State

STEP = "step"


class Learner(ABC):
    """A network, the optimizer's memory of it, and the figures of the epoch that goes on."""

    shared = False
    """True where the network is large enough for several threads to share its work (`workers/team.py`)."""

    def __init__(self, network: nn.Sequential, spec: ExperimentSpec) -> None:
        self.network = network
        self.spec = spec
        self.rule = update_rules.build(spec.optimizer)
        self.steps = 0

    @abstractmethod
    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rate: float) -> None:
        """Learn from a batch: float `(batch, 1, height, width)`, int64 `(batch,)`."""

    @property
    def evaluated(self) -> nn.Module:
        """What judges images: the network, or an equal of it that is quicker."""
        return self.network

    def seed(self, seed: int) -> None:
        """All that the next epoch draws, such as dropout, follows from this; by default by torch's own generator."""
        torch.manual_seed(seed)

    @abstractmethod
    def begin_epoch(self, images: int) -> None:
        """Forget the figures of the epoch before; the one that begins has so many images."""

    @abstractmethod
    def epoch_figures(self) -> tuple[float, float]:
        """Mean loss and accuracy over the images of the epoch as they were trained on."""

    def judge(self, data: TrainingData) -> Evaluation:
        """The network as it is, by the validation images and the loss that it learns by."""
        return evaluate(
            self.evaluated,
            data.validation,
            mean=data.mean,
            std=data.std,
            label_smoothing=self.spec.loss.label_smoothing,
            shared=self.shared,
        )

    @property
    @abstractmethod
    def remembered(self) -> Sequence[State]:
        """What the optimizer remembers of each buffer of parameters, as views; in the same order on every device."""

    def state_tensors(self) -> dict[str, torch.Tensor]:
        """All that the optimizer remembers, by `<buffer>.<name>`; its options are in the spec."""
        tensors = {
            f"{number}.{name}": value.reshape(-1)
            for number, state in enumerate(self.remembered)
            for name, value in state.items()
        }
        return {STEP: torch.tensor(self.steps)} | tensors

    def load_state_tensors(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state_tensors` gave; the end of a buffer that is padding may be missing."""
        self.steps = int(tensors[STEP])
        for number, state in enumerate(self.remembered):
            for name, value in state.items():
                stored = tensors[f"{number}.{name}"]
                if value.dim() > 1:
                    value.copy_(stored.view(value.shape))
                else:
                    value[: len(stored)].copy_(stored)
