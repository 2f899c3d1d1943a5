"""An epoch here against an epoch of the loop that users write: DataLoader, ToTensor, Normalize, eager step.

Both train the same network with the same batch size and optimizer on the same real images, in turn. The usual loop has
all of torch's default threads. Ours has as many for convolutions, and a single one for dense networks.
"""

import os
import time
from collections.abc import Callable
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
from workers import learners, trainer, training_data
from workers.training_data import TrainingData

REPETITIONS = 5
DEFAULT_THREADS = cores()

CASES: list[tuple[str, dict[str, Any], Callable[..., optim.Optimizer], int, float]] = [
    (
        "dense 256-64-10, USPS",
        {"dataset": "usps", "architecture": {"name": "mlp", "hidden": [64]}},
        lambda parameters: optim.SGD(parameters, lr=0.03, momentum=0.9),
        1,
        1 / 12,
    ),
    (
        "dense 784-256-256-10, MNIST",
        {"dataset": {"name": "mnist", "train_size": 20_000}, "architecture": {"name": "mlp", "hidden": [256, 256]}},
        lambda parameters: optim.SGD(parameters, lr=0.03, momentum=0.9),
        1,
        1 / 4,
    ),
    (
        "mnist_example, MNIST",
        {"dataset": {"name": "mnist", "train_size": 3_200}, "architecture": "mnist_example", "optimizer": "adadelta"},
        lambda parameters: optim.Adadelta(parameters, lr=1.0),
        DEFAULT_THREADS,
        1 / 1.5,
    ),
    (
        "mnist_example in bf16, MNIST",
        {
            "dataset": {"name": "mnist", "train_size": 3_200},
            "architecture": "mnist_example",
            "optimizer": "adadelta",
            "precision": "bf16",
        },
        lambda parameters: optim.Adadelta(parameters, lr=1.0),
        DEFAULT_THREADS,
        1 / 2.2,
    ),
]


def measure() -> list[Measurement]:
    """Nothing where there is no real data: the goals are about MNIST and USPS."""
    data_dir = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
    if not (data_dir / "MNIST").is_dir() or not (data_dir / "USPS").is_dir():
        return []
    return [
        _measure(name, spec, optimizer, threads=threads, goal=goal, data_dir=data_dir)
        for name, spec, optimizer, threads, goal in CASES
    ]


def _measure(
    name: str,
    given: dict[str, Any],
    optimizer: Callable[..., optim.Optimizer],
    *,
    threads: int,
    goal: float,
    data_dir: Path,
) -> Measurement:
    spec = ExperimentSpec.model_validate(given | {"epochs": REPETITIONS + 1})
    data = training_data.prepare(spec.dataset, seed=0, data_dir=data_dir, mirror=None)
    ours_network, usual_network = (_network(spec) for _ in range(2))
    epochs = trainer.train(learners.build(ours_network, spec), data, spec)
    loader = DataLoader(_usual_dataset(spec, data, data_dir), batch_size=spec.batch_size, shuffle=True)
    moves = optimizer(usual_network.parameters())
    ours, usual = [], []
    for _ in range(REPETITIONS + 1):
        torch.set_num_threads(threads)
        epoch = next(epochs)
        ours.append(len(data.train) / epoch.samples_per_second)
        torch.set_num_threads(DEFAULT_THREADS)
        usual.append(_usual_epoch(usual_network, loader, moves))
    return Measurement(
        name=f"{name}: an epoch of training",
        ours=tuple(ours[1:]),
        baseline=tuple(usual[1:]),
        baseline_name="usual loop",
        at_most=round(goal, 3),
    )


def _network(spec: ExperimentSpec) -> nn.Sequential:
    return architectures.build(spec.architecture, activation=spec.activation, image_size=spec.dataset.side, classes=10)


def _usual_dataset(spec: ExperimentSpec, data: TrainingData, data_dir: Path) -> Dataset[Any]:
    sets = import_torchvision_datasets()
    from torchvision import transforms

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
