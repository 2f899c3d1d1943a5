"""Networks that learn side by side on a GPU: a row each of one matrix of parameters, and one recorded step for all.

A step is the same few dozen launches for one network as for many, and launches are what its time goes into. So all that
a step needs lies on the device: batches, learning rates, the count of steps, settings, figures. Nothing in an epoch
waits for an answer. Each network learns what it learns alone, to the bit: the dense ones stand in a stack that always
has as many places, taken or not, the others have their own kernels (`workers/autograd_stack.py`), and the optimizer
treats each number by itself.
"""

import weakref
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from service.domain.spec import ExperimentSpec, Precision
from workers import row_rules
from workers.autograd_stack import AutogradStack
from workers.cuda_graph import Recordings
from workers.dense import DenseStack, is_written_out
from workers.devices import accurate, sent
from workers.evaluation import Evaluation
from workers.row_dropout import RowDropout
from workers.row_evaluation import StackEvaluation
from workers.row_rules import Columns
from workers.training_data import TrainingData

if TYPE_CHECKING:
    from workers.row_learner import RowLearner

MOST_PLACES = 64
PLACED_PARAMETERS = 2_000_000
"""Of a stack of dense networks, at most: a network that is alone goes through the empty places, too."""


class Rows:
    """The learners' networks, and what their optimizers remember, live here until they join other rows."""

    def __init__(self, learners: Sequence["RowLearner"]) -> None:
        spec, device = learners[0].spec, learners[0].device
        self._learners = [weakref.ref(learner) for learner in learners]
        self.stack, self._masks = stack_of([learner.network for learner in learners], spec)
        places = len(self.stack.parameters)
        self._memory = {name: torch.zeros_like(self.stack.parameters) for name in learners[0].rule.memory}
        for row, learner in enumerate(learners):
            for name, value in learner.memory.items():
                self._memory[name][row].copy_(value)
            learner.join(self, row, {name: rows[row] for name, rows in self._memory.items()})
        self._smoothing = spec.loss.label_smoothing
        self._update = row_rules.build(spec.optimizer)
        self._now = _columns([learner.spec for learner in learners], places, device)
        self._rates: list[float] = []
        self._images: torch.Tensor | None = None
        self._labels = torch.zeros(places, spec.batch_size, dtype=torch.int64, device=device)
        self._predicted = torch.zeros_like(self._labels)
        self._losses = torch.zeros(places, spec.batch_size, device=device)
        self._loss_sums = torch.zeros(places, dtype=accurate(device), device=device)
        self._hits = torch.zeros(places, dtype=torch.int64, device=device)
        self._figures: list[list[float]] | None = None
        self._evaluation: StackEvaluation | None = None
        self.recordings = Recordings(state=self._state()) if device.type == "cuda" else None

    def __len__(self) -> int:
        return len(self._learners)

    def begin_epoch(self, images: int) -> None:
        """As `Learner.begin_epoch`, for each."""
        learners = [learner for each in self._learners if (learner := each()) is not None]
        device = self._labels.device
        if isinstance(self.stack, AutogradStack):
            self.stack.train()
        seeds = torch.tensor([learner.seeded for learner in learners])
        self._masks.seeds[: len(learners)].copy_(sent(seeds, device))
        self._masks.step.zero_()
        steps = torch.tensor([[float(learner.steps)] for learner in learners])
        self._now.step[: len(learners)].copy_(sent(steps, device))
        self._images_of_epoch, self._figures = images, None
        self._loss_sums.zero_()
        self._hits.zero_()

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rates: Sequence[float]) -> None:
        """Learn from a batch each: float `(networks, batch, 1, height, width)`, int64 `(networks, batch)`."""
        if isinstance(self.stack, DenseStack):
            images = images.flatten(2)
        if self._images is None:
            self._images = images.new_zeros(*self._labels.shape, *images.shape[2:])
        networks, count = labels.shape
        self._images[:networks, :count].copy_(images)
        self._labels[:networks, :count].copy_(labels)
        self._set_rates(list(learning_rates))
        if self.recordings is None:
            self._step(self._images, count)
        else:
            self.recordings.run(partial(self._step, self._images, count), size=count)
        for each in self._learners:
            if (learner := each()) is not None:
                learner.steps += 1

    def figures(self, row: int) -> tuple[float, float]:
        """Mean loss and accuracy of one network; here the processor waits for the device, once for all of them."""
        if self._figures is None:
            sums = torch.stack([self._loss_sums, self._hits.to(self._loss_sums.dtype)], 1)
            self._figures = sums.tolist()
        loss, hits = self._figures[row]
        return loss / self._images_of_epoch, hits / self._images_of_epoch

    def judge(self, data: Sequence[TrainingData]) -> list[Evaluation]:
        """Each by its own validation images; dense networks together."""
        if isinstance(self.stack, AutogradStack):
            judged = zip(self._learners, data, strict=True)
            return [learner.judge_alone(own) for each, own in judged if (learner := each()) is not None]
        if self._evaluation is None:
            self._evaluation = StackEvaluation(self.stack, data, label_smoothing=self._smoothing)
        return self._evaluation.judge()

    def _step(self, images: torch.Tensor, count: int) -> None:
        """All of it on the device, in memory that stays where it is."""
        labels, losses, predicted = (each[:, :count] for each in (self._labels, self._losses, self._predicted))
        self.stack.gradients_of(
            images[:, :count], labels, label_smoothing=self._smoothing, losses=losses, predicted=predicted
        )
        self._loss_sums.add_(losses.sum(1, dtype=self._loss_sums.dtype))
        self._hits.add_((predicted == labels).sum(1))
        self._now.step.add_(1)
        self._update(self.stack.parameters, self.stack.gradients, self._memory, self._now)
        if isinstance(self.stack, DenseStack) and self.stack.draws:
            self._masks.step.add_(1)

    def _state(self) -> list[torch.Tensor]:
        """All that a step changes and the next begins with."""
        buffers = self.stack.buffers if isinstance(self.stack, AutogradStack) else []
        figures = (self._loss_sums, self._hits)
        return [self.stack.parameters, *self._memory.values(), self._now.step, self._masks.step, *figures, *buffers]

    def _set_rates(self, rates: list[float]) -> None:
        if rates == self._rates:
            return
        self._rates = rates
        column = self._now.learning_rate[: len(rates)]
        if len(set(rates)) == 1:
            column.fill_(rates[0])
        else:
            column.copy_(sent(torch.tensor(rates), column.device).unsqueeze(1))


def stack_of(networks: Sequence[nn.Sequential], spec: ExperimentSpec) -> tuple[DenseStack | AutogradStack, RowDropout]:
    """What their gradients come from, and the masks of those that are dense."""
    device = next(networks[0].parameters()).device
    if not is_written_out(networks[0], spec):
        stack = AutogradStack(networks, bf16=spec.precision is Precision.BF16)
        return stack, RowDropout(len(networks), device)
    places = places_for(networks[0])
    masks = RowDropout(places, device)
    return DenseStack(networks, places=places, masks=masks), masks


def places_for(network: nn.Module) -> int:
    """Of the stack that a dense network learns in: a power of two, as many as leave a step nearly as short as one."""
    fitting = PLACED_PARAMETERS // sum(parameter.numel() for parameter in network.parameters())
    return min(MOST_PLACES, 1 << max(0, fitting.bit_length() - 1))


def _columns(specs: Sequence[ExperimentSpec], places: int, device: torch.device) -> Columns:
    """Those of the networks, and zeros for empty places."""

    def column(values: Sequence[float]) -> torch.Tensor:
        padded = [*values, *[0.0] * (places - len(values))]
        return sent(torch.tensor(padded), device).unsqueeze(1)

    optimizers = [spec.optimizer for spec in specs]
    nothing = column([])
    decays = [options.weight_decay for options in optimizers]
    return Columns(
        learning_rate=nothing,
        step=nothing.clone(),
        momentum=column([getattr(options, "momentum", 0.0) for options in optimizers]),
        weight_decay=column(decays) if any(decays) else None,
    )
