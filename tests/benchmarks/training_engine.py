"""An epoch here against an epoch of the loop that users write: DataLoader, ToTensor, Normalize, eager step.

Both train the same network with the same batch size and optimizer on the same real images, in turn. The usual loop has
a process of its own, so that nothing which a worker sets for its process is lent to it, and all of torch's default
threads. Ours has those that a worker which has all cores would have (`workers/threads.py`).
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import nn, optim
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Subset

from service import architectures
from service.domain.spec import ExperimentSpec
from service.settings import cores
from service.torchvision_operators import import_torchvision_datasets
from tests.benchmarks import Measurement
from workers import learners, threads, trainer, training_data

REPETITIONS = 5
DEFAULT_THREADS = cores()


@dataclass(frozen=True)
class Case:
    """What is trained, by whom, and how much sooner an epoch should end; all of it can be sent to a process."""

    name: str
    given: dict[str, Any]
    optimizer: Callable[..., optim.Optimizer]
    goal: float

    @property
    def spec(self) -> ExperimentSpec:
        return ExperimentSpec.model_validate(self.given | {"epochs": REPETITIONS + 1})


MNIST_EXAMPLE = {
    "dataset": {"name": "mnist", "train_size": 3_200},
    "architecture": "mnist_example",
    "optimizer": "adadelta",
}
CASES = [
    Case(
        "dense 256-64-10, USPS",
        {"dataset": "usps", "architecture": {"name": "mlp", "hidden": [64]}},
        partial(optim.SGD, lr=0.03, momentum=0.9),
        1 / 12,
    ),
    Case(
        "dense 784-256-256-10, MNIST",
        {"dataset": {"name": "mnist", "train_size": 20_000}, "architecture": {"name": "mlp", "hidden": [256, 256]}},
        partial(optim.SGD, lr=0.03, momentum=0.9),
        1 / 4,
    ),
    Case("mnist_example, MNIST", MNIST_EXAMPLE, partial(optim.Adadelta, lr=1.0), 1 / 1.5),
    Case(
        "mnist_example in bf16, MNIST",
        MNIST_EXAMPLE | {"precision": "bf16"},
        partial(optim.Adadelta, lr=1.0),
        1 / 2.2,
    ),
]


def measure() -> list[Measurement]:
    """Nothing where there is no real data: the goals are about MNIST and USPS."""
    data_dir = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
    if not (data_dir / "MNIST").is_dir() or not (data_dir / "USPS").is_dir():
        return []
    return [_measure(case, data_dir) for case in CASES]


def _measure(case: Case, data_dir: Path) -> Measurement:
    spec = case.spec
    data = training_data.prepare(spec.dataset, seed=0, data_dir=data_dir, mirror=None)
    learner = learners.build(build_network(spec), spec)
    epochs = trainer.train(learner, data, spec)
    ours, usual = [], []
    before = torch.get_num_threads()
    torch.set_num_threads(threads.of_kernels(spec, available=cores(), shared=learner.shared))
    with _usual_loop(case, data_dir) as epoch_of_the_usual:
        for _ in range(REPETITIONS + 1):
            ours.append(len(data.train) / next(epochs).samples_per_second)
            usual.append(epoch_of_the_usual())
    torch.set_num_threads(before)
    return Measurement(
        name=f"{case.name}: an epoch of training",
        ours=tuple(ours[1:]),
        baseline=tuple(usual[1:]),
        baseline_name="usual loop",
        at_most=round(case.goal, 3),
    )


def build_network(spec: ExperimentSpec) -> nn.Sequential:
    return architectures.build(spec.architecture, activation=spec.activation, image_size=spec.dataset.side, classes=10)


@contextmanager
def _usual_loop(case: Case, data_dir: Path) -> Iterator[Callable[[], float]]:
    """A call trains one epoch in a process that waits between them, and gives its seconds."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_be_the_usual_loop, args=(there, case, data_dir))
    process.start()
    there.close()

    def epoch() -> float:
        here.send(True)
        seconds: float = here.recv()
        return seconds

    try:
        yield epoch
    finally:
        here.close()
        process.join()


def _be_the_usual_loop(orders: Connection, case: Case, data_dir: Path) -> None:
    """Until the other end closes."""
    spec = case.spec
    network = build_network(spec)
    loader = DataLoader(usual_dataset(spec, data_dir), batch_size=spec.batch_size, shuffle=True)
    optimizer = case.optimizer(network.parameters())
    try:
        while orders.recv():
            orders.send(_usual_epoch(network, loader, optimizer))
    except EOFError:
        return


def usual_dataset(spec: ExperimentSpec, data_dir: Path) -> Dataset[Any]:
    sets = import_torchvision_datasets()
    from torchvision import transforms

    data = training_data.prepare(spec.dataset, seed=0, data_dir=data_dir, mirror=None)
    prepared = transforms.Compose([transforms.ToTensor(), transforms.Normalize((data.mean,), (data.std,))])
    if spec.dataset.name == "usps":
        whole = sets.USPS(data_dir / "USPS", train=True, transform=prepared)
    else:
        whole = sets.MNIST(data_dir, train=True, transform=prepared)
    return Subset(whole, range(len(data.train)))


def _usual_epoch(network: nn.Module, loader: "DataLoader[Any]", optimizer: optim.Optimizer) -> float:
    began = time.perf_counter()
    network.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        torch.autograd.backward(loss)
        optimizer.step()
    return time.perf_counter() - began
