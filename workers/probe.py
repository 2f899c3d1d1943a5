"""What goes on inside a network at the end of an epoch, on images that are the same for every run of a data set.

One forward and one backward pass over `PROBE_IMAGES` images, in evaluation mode and single precision: no dropout, no
statistics of batch norm, no random number, so training is the same to the bit with it and without. The images are the
first of each class in the data set's whole training split, then the second of each, and so on, whatever the run's seed,
its validation images and its training size: mostly they are learned from, and runs can be compared. The test split is
left alone.

What is looked for: saturation, which lets no gradient through (Glorot and Bengio, "Understanding the difficulty of
training deep feedforward neural networks", AISTATS 2010), units that have died (Lu et al., "Dying ReLU and
Initialization", arXiv:1903.06733), gradients that vanish or explode (Pascanu, Mikolov and Bengio, ICML 2013).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn import functional

from service.domain.diagnostics import EpochDiagnostics, LayerDiagnostics
from service.domain.spec import ExperimentSpec
from workers.cohort import Cohort, Company
from workers.dense import ACTIVATIONS, DenseStack
from workers.devices import accurate
from workers.learner import Learner
from workers.learners import DenseLearner
from workers.row_learner import RowLearner
from workers.rows import Rows
from workers.training_data import TrainingData

STEPS_BETWEEN = 32
"""At least, where an epoch has fewer: a look costs about as much as one and a half, or two with cold caches."""

SATURATED: Mapping[type[nn.Module], Callable[[torch.Tensor], torch.Tensor]] = {
    nn.Tanh: lambda a: a.abs() > 0.95,
    nn.Sigmoid: lambda a: (a < 0.05) | (a > 0.95),
}
"""Of an activation's values, those from which hardly any gradient comes back."""

FLAT_BELOW: Mapping[type[nn.Module], float] = {
    nn.ReLU: 0.0,
    nn.LeakyReLU: 0.0,
    nn.ELU: math.log(0.05),
    nn.GELU: -2.3486,
    nn.SiLU: -4.0826,
    nn.Softplus: math.log(0.05 / 0.95),
}
"""The input up to which the slope is at most 0.05 in size; the one of leaky ReLU, 0.01, still lets a unit recover."""


class Looked(Protocol):
    """A run as it is looked at."""

    learner: Learner
    data: TrainingData
    spec: ExperimentSpec
    epoch: int


class _Layer(NamedTuple):
    """A layer with weights."""

    name: str
    module: nn.Module
    activation: nn.Module | None


class _Pass(NamedTuple):
    """What a pass over the images gives; a leading dimension is that of the stack."""

    losses: torch.Tensor
    """`(stack, images)`."""
    gradients: Sequence[torch.Tensor]
    """By each layer's weights."""
    values: Sequence[torch.Tensor | None]
    """Of each layer's activation `(stack, images, units, ...)`: its input, or what `_keeps_input` says."""


# What does not change from epoch to epoch is made once.
_still: "WeakKeyDictionary[DenseStack, DenseStack]" = WeakKeyDictionary()
_known: "WeakKeyDictionary[nn.Sequential, list[_Layer]]" = WeakKeyDictionary()


def due(epoch: int, *, steps: int, epochs: int) -> bool:
    """True for the first epoch, the last of the spec, and every k-th, where k of them have `STEPS_BETWEEN` steps."""
    return epoch in (1, epochs) or epoch % math.ceil(STEPS_BETWEEN / steps) == 0


def prepare(runs: Sequence[Looked], cohort: Company | None) -> "Probe":
    """Before the last step of an epoch, of a run alone or of those that learn side by side."""
    learner = runs[0].learner
    stack: object = None
    if isinstance(learner, RowLearner):
        stack = (cohort if isinstance(cohort, Rows) else learner.alone()).stack
    elif isinstance(learner, DenseLearner):
        stack = cohort.stack if isinstance(cohort, Cohort) else learner.leave()
    return _DenseProbe(runs, stack) if isinstance(stack, DenseStack) else _OneByOne(runs)


class Probe(Protocol):
    """What has looked at networks before the epoch's last step."""

    def look(self) -> list[EpochDiagnostics]:
        """After it, into each of them."""
        raise NotImplementedError


class _OneByOne:
    """Networks that learn side by side without a stack."""

    def __init__(self, runs: Sequence[Looked]) -> None:
        self._probes = [_AutogradProbe([run]) for run in runs]

    def look(self) -> list[EpochDiagnostics]:
        return [seen for each in self._probes for seen in each.look()]


class _Looking(ABC):
    """Remembers the weights as they are when it is made, before the epoch's last step, and looks into it after it."""

    def __init__(self, runs: Sequence[Looked]) -> None:
        self._runs = runs
        network = runs[0].learner.network
        if network not in _known:
            _known[network] = _layers(network)
        self._layers = _known[network]
        self._before = [weights.clone() for weights in self._weights()]

    def look(self) -> list[EpochDiagnostics]:
        """Of each run; the numbers are asked for once, at the end."""
        seen = self._pass(*self._runs[0].data.probe)
        kind = accurate(seen.losses.device)
        nothing = seen.losses.new_full(seen.losses.shape[:1], math.nan, dtype=kind)
        weights = self._weights()
        changes = [before.sub_(now) for before, now in zip(self._before, weights, strict=True)]
        columns = [seen.losses.mean(1, dtype=kind), *_norms([*seen.gradients, *weights, *changes])]
        for layer, values in zip(self._layers, seen.values, strict=True):
            saturated = dead = nothing
            if layer.activation is not None and values is not None:
                saturated = _saturated_share(type(layer.activation), values, nothing)
                dead = _dead_share(type(layer.activation), values, nothing)
            columns += [saturated, dead]
        rows = torch.stack(columns, 1)[: len(self._runs)].tolist()
        return [self._diagnostics(run, row) for run, row in zip(self._runs, rows, strict=True)]

    def _diagnostics(self, run: Looked, row: Sequence[float]) -> EpochDiagnostics:
        loss, count = _finite(row[0]), len(self._layers)
        columns = (row[1 : 1 + count], row[1 + count : 1 + 2 * count], row[1 + 2 * count : 1 + 3 * count])
        shares = row[1 + 3 * count :]
        layers = []
        figures = zip(self._layers, *columns, shares[::2], shares[1::2], strict=True)
        for layer, gradient, weights, change, saturated, dead in figures:
            layers.append(
                LayerDiagnostics(
                    name=layer.name,
                    activation=None if layer.activation is None else run.spec.activation,
                    saturated_share=None if loss is None else _finite(saturated),
                    dead_share=None if loss is None else _finite(dead),
                    gradient_norm=_finite(gradient),
                    weight_norm=_finite(weights),
                    update_ratio=_finite(change / weights) if weights else None,
                )
            )
        return EpochDiagnostics(epoch=run.epoch, loss=loss, layers=tuple(layers))

    @abstractmethod
    def _weights(self) -> Sequence[torch.Tensor]:
        """Of each layer `(stack, ...)`, as they are now; the last places of a stack may be empty."""

    @abstractmethod
    def _pass(self, images: torch.Tensor, labels: torch.Tensor) -> _Pass:
        """Forward and backward."""


class _DenseProbe(_Looking):
    """Networks that learn in a stack, all at once; their next step overwrites the gradients."""

    def __init__(self, runs: Sequence[Looked], stack: DenseStack) -> None:
        if stack not in _still:
            _still[stack] = stack.in_evaluation()
        self._stack = _still[stack]
        super().__init__(runs)

    def _weights(self) -> Sequence[torch.Tensor]:
        return [layer.weight for layer in self._stack.layers]

    def _pass(self, images: torch.Tensor, labels: torch.Tensor) -> _Pass:
        stack = self._stack
        count = len(stack.parameters)
        losses = images.new_empty(count, len(labels))
        stack.gradients_of(
            images.flatten(1).expand(count, -1, -1).contiguous(),
            labels.expand(count, -1),
            label_smoothing=self._runs[0].spec.loss.label_smoothing,
            losses=losses,
            predicted=labels.new_empty(losses.shape),
        )
        gradients = [layer.weight_gradient for layer in stack.layers]
        values = [layer.kept if layer.activation else None for layer in stack.layers]
        return _Pass(losses, gradients, values)


class _AutogradProbe(_Looking):
    """One network of any kind, on any device; it is left in evaluation mode."""

    def _weights(self) -> Sequence[torch.Tensor]:
        return [weight.detach().unsqueeze(0) for weight in self._parameters()]

    def _parameters(self) -> list[torch.Tensor]:
        return [layer.module.get_parameter("weight") for layer in self._layers]

    def _pass(self, images: torch.Tensor, labels: torch.Tensor) -> _Pass:
        run = self._runs[0]
        kept: dict[nn.Module, torch.Tensor] = {}

        def keep(module: nn.Module, given: tuple[torch.Tensor], output: torch.Tensor) -> None:
            kept[module] = (given[0] if _keeps_input(type(module)) else output).detach().unsqueeze(0)

        hooks = [each.activation.register_forward_hook(keep) for each in self._layers if each.activation is not None]
        try:
            logits = run.learner.network.eval()(images)
        finally:
            for hook in hooks:
                hook.remove()
        smoothing = run.spec.loss.label_smoothing
        losses = functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
        gradients = torch.autograd.grad(losses.mean(), self._parameters())
        values = [kept[each.activation] if each.activation is not None else None for each in self._layers]
        return _Pass(losses.detach().unsqueeze(0), [each.unsqueeze(0) for each in gradients], values)


def _layers(network: nn.Sequential) -> list[_Layer]:
    """Those with weights, each dense layer and convolution with the activation that comes next."""
    found: list[_Layer] = []
    awaiting = -1
    for name, module in network.named_children():
        if type(module) in ACTIVATIONS:
            found[awaiting] = found[awaiting]._replace(activation=module)
        elif any(parameter == "weight" for parameter, _ in module.named_parameters(recurse=False)):
            if isinstance(module, nn.Linear | nn.Conv2d):
                awaiting = len(found)
            found.append(_Layer(name, module, None))
    return found


def _keeps_input(activation: type[nn.Module]) -> bool:
    """What is judged, and what `workers/dense.py` keeps as well: of some their input, of the others their output."""
    return ACTIVATIONS[activation].keeps_input


def _saturated_share(activation: type[nn.Module], values: torch.Tensor, nothing: torch.Tensor) -> torch.Tensor:
    if activation not in SATURATED:
        return nothing
    return SATURATED[activation](values).flatten(1).sum(1, dtype=nothing.dtype) / values[0].numel()


def _dead_share(activation: type[nn.Module], values: torch.Tensor, nothing: torch.Tensor) -> torch.Tensor:
    if activation not in FLAT_BELOW:
        return nothing
    largest = values.flatten(3).amax((1, 3)) if values.dim() > 3 else values.amax(1)
    return (largest <= FLAT_BELOW[activation]).mean(1, dtype=nothing.dtype)


def _norms(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Euclidean, of each row, in double precision: squares of small gradients are no single precision numbers."""
    kind = accurate(tensors[0].device)
    if len(tensors[0]) == 1:  # then one call does for all
        return [norm.unsqueeze(0) for norm in torch._foreach_norm(tensors, 2, kind)]
    return [torch.linalg.vector_norm(each, dim=tuple(range(1, each.dim())), dtype=kind) for each in tensors]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
