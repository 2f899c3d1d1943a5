"""Networks of one shape that learn side by side: on a processor dense ones, with one call of a kernel for all of them.

A small network keeps a processor busy with calls more than with arithmetic; sixteen of them, stacked, share the calls.
On a GPU `workers/rows.py` does it. Each has its own images, order, dropout, learning rate and optimizer memory, and
learns what it learns alone, to the bit: that is looked at, for just these shapes on just this machine, before networks
are put together.
"""

import copy
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import nn

from service.domain.spec import ExperimentSpec
from workers import threads
from workers.autograd_stack import AutogradStack
from workers.blocks import blocks
from workers.dense import VECTOR, DenseStack
from workers.evaluation import Evaluation
from workers.learner import Learner
from workers.learners import DenseLearner, EpochFigures
from workers.row_learner import RowLearner
from workers.rows import Rows, places_for, stack_of
from workers.training_data import TrainingData
from workers.update_rules import Now

LARGEST = 16
"""Networks in a stack: with more there is nothing left to share."""
SMALL_ON_A_GPU = 50_000_000
"""Multiply-accumulates of a batch, forward: a network with more of them keeps a GPU busy by itself.

On an H200 a step of sixteen networks took 0.65 ms with 6 million of them each (`lenet5` on 16x16 pixels), where one of
four took 0.31 ms; with 71 million (`cnn` on 28x28) it took 6.4 ms, and of one alone 0.6 ms.
"""
MOST_PARAMETERS = 320_000
"""Of a stack: with gradients and the optimizer's memory they just about stay in a core's caches."""


class Company(Protocol):
    """What networks that learn side by side share."""

    def begin_epoch(self, images: int) -> None:
        """As `Learner.begin_epoch`, for each."""

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rates: Sequence[float]) -> None:
        """Learn from a batch each: float `(networks, batch, 1, height, width)`, int64 `(networks, batch)`."""

    def judge(self, data: Sequence[TrainingData]) -> list[Evaluation]:
        """As `Learner.judge`, for each."""
        raise NotImplementedError


class Cohort:
    """The learners' networks, and what their optimizers remember, live in this stack until they join another."""

    def __init__(self, learners: Sequence[DenseLearner]) -> None:
        self._learners = learners
        first = learners[0]
        self._stack = DenseStack([learner.network for learner in learners], [learner.generator for learner in learners])
        memory = {name: torch.stack([learner.memory[name] for learner in learners]) for name in first.rule.memory}
        for row, learner in enumerate(learners):
            learner.join(self._stack.parameters[row], {name: value[row] for name, value in memory.items()})
        flat = {name: value.view(-1) for name, value in memory.items()}
        self._blocks = blocks(self._stack.parameters.view(-1), flat, rule=first.rule)
        self._gradients = self._stack.gradients.view(-1)
        self._smoothing = first.spec.loss.label_smoothing
        self._one_rule = len({_rule_of(learner.spec) for learner in learners}) == 1

    @property
    def stack(self) -> DenseStack:
        """The networks, in the learners' order."""
        return self._stack

    def begin_epoch(self, images: int) -> None:
        """As `Company`, as are the next."""
        self._figures = EpochFigures(images, stack=len(self._learners))
        for member, learner in enumerate(self._learners):
            learner.look_at(self._figures, member=member)

    def step(self, images: torch.Tensor, labels: torch.Tensor, *, learning_rates: Sequence[float]) -> None:
        part = self._figures.next(labels)
        self._stack.gradients_of(
            images.flatten(2),
            labels,
            label_smoothing=self._smoothing,
            losses=self._figures.losses[:, part],
            predicted=self._figures.predicted[:, part],
        )
        if self._one_rule and len(set(learning_rates)) == 1 and len({each.steps for each in self._learners}) == 1:
            self._update_all(learning_rates[0])
        else:
            for learner, gradients, learning_rate in zip(
                self._learners, self._stack.gradients, learning_rates, strict=True
            ):
                learner.update(iter([gradients]), learning_rate=learning_rate)

    def judge(self, data: Sequence[TrainingData]) -> list[Evaluation]:
        return [learner.judge(own) for learner, own in zip(self._learners, data, strict=True)]

    def _update_all(self, learning_rate: float) -> None:
        """One rule, one learning rate, one step: it does not matter where one network ends and the next begins."""
        for learner in self._learners:
            learner.steps += 1
        first = self._learners[0]
        now = Now(learning_rate=learning_rate, step=first.steps)
        for block in self._blocks:
            first.rule.update(block.parameters, self._gradients[block.start : block.end], block.state, now)


def capacity(learner: Learner) -> int:
    """How many networks such as this one learn quicker side by side than one after another; 1: none.

    On a processor what a step goes through must not fall out of the cache: then it costs more than the calls that are
    saved. And batches that do not fill whole vectors are not stacked there (`workers/dense.py`).
    """
    if isinstance(learner, RowLearner):
        return _capacity_on_a_gpu(learner)
    if not isinstance(learner, DenseLearner) or learner.spec.batch_size % VECTOR:
        return 1
    parameters = sum(parameter.numel() for parameter in learner.network.parameters())
    return max(1, min(LARGEST, MOST_PARAMETERS // parameters))


def _capacity_on_a_gpu(learner: RowLearner) -> int:
    if learner.written_out:
        return places_for(learner.network)
    draws = any(isinstance(layer, nn.Dropout) for layer in learner.network)  # from one generator for all networks
    small = threads.multiply_accumulates(learner.spec) < SMALL_ON_A_GPU
    return LARGEST if small and not draws and learner.device.type == "cuda" else 1


def together(learners: Sequence[Learner], *, images: int) -> Company | None:
    """All of them side by side, or None where they do not learn so what each learns alone."""
    dense = [learner for learner in learners if isinstance(learner, DenseLearner)]
    if len(learners) == len(dense) > 1:
        return Cohort(dense) if agree(dense, images=images) else None
    in_rows = [learner for learner in learners if isinstance(learner, RowLearner)]
    if len(learners) == len(in_rows) > 1:
        return Rows(in_rows) if agree(in_rows, images=images) else None
    return None


_AGREED: dict[tuple[str, float, int, int], bool] = {}


def agree(learners: Sequence[DenseLearner] | Sequence[RowLearner], *, images: int) -> bool:
    """True where, on this machine and for these shapes, a stack computes what each network computes alone, to the bit.

    Looked at once a process for each kind of network, size of stack and batch; the last of an epoch's batches, which
    has so many images, may be smaller.
    """
    first = learners[0].spec
    sizes = {min(first.batch_size, images), images % first.batch_size or first.batch_size}
    return all(_agree_on(learners, min(size, images)) for size in sizes)


def _agree_on(learners: Sequence[DenseLearner] | Sequence[RowLearner], batch_size: int) -> bool:
    first = learners[0]
    how = f"{first.network} {first.spec.precision} {next(first.network.parameters()).device}"
    always_as_many = isinstance(first, RowLearner) and first.written_out
    size = capacity(first) if always_as_many else len(learners)
    kind = (how, first.spec.loss.label_smoothing, size, batch_size)
    if kind not in _AGREED:
        _AGREED[kind] = _try_out([learner.network for learner in learners], first.spec, batch_size)
    return _AGREED[kind]


def _try_out(networks: Sequence[nn.Sequential], spec: ExperimentSpec, batch_size: int) -> bool:
    """One pass over noise, with copies of the networks; of very many, some are looked at."""
    copies = [copy.deepcopy(network).train() for network in networks]
    noise = torch.Generator().manual_seed(0)
    images = torch.randn(len(copies), batch_size, 1, spec.dataset.side, spec.dataset.side, generator=noise)
    labels = torch.zeros(len(copies), batch_size, dtype=torch.int64)
    everybody = _one_pass(copies, images, labels, spec)
    for row in sorted({*range(min(len(copies), LARGEST)), len(copies) - 1}):
        alone = _one_pass([copies[row]], images[row : row + 1], labels[row : row + 1], spec)
        if not all(torch.equal(one[0], all_[row]) for one, all_ in zip(alone, everybody, strict=True)):
            return False
    return True


def _one_pass(
    networks: Sequence[nn.Sequential], images: torch.Tensor, labels: torch.Tensor, spec: ExperimentSpec
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    device = next(networks[0].parameters()).device
    if device.type == "cpu":
        stack: DenseStack | AutogradStack = DenseStack(networks, [torch.Generator().manual_seed(1) for _ in networks])
    else:
        stack, _masks = stack_of(networks, spec)
    places = len(stack.parameters)
    given = images.new_zeros(places, *images.shape[1:])
    given[: len(networks)] = images
    classes = labels.new_zeros(places, labels.shape[1])
    losses, predicted = torch.empty(classes.shape, device=device), torch.empty_like(classes, device=device)
    stack.gradients_of(
        (given.flatten(2) if isinstance(stack, DenseStack) else given).to(device),
        classes.to(device),
        label_smoothing=spec.loss.label_smoothing,
        losses=losses,
        predicted=predicted,
    )
    return stack.gradients, losses, predicted


def _rule_of(spec: ExperimentSpec) -> str:
    return spec.optimizer.model_dump_json(exclude={"learning_rate"})
