"""On a GPU: an epoch against two loops that users write, many seeds at once, sweeps and recipes through the service.

One loop has a DataLoader on the processor and sends each batch; the other has all images on the GPU and gathers batches
there. Both are eager, in a process of their own, with torch's defaults, by which convolutions may round their operands
to 10 bits (TF32); ours have fp32 where that is asked for. All take turns on the same work.
"""

import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from torch import nn, optim
from torch.nn import functional
from torch.utils.data import DataLoader

from service import datasets
from service.domain.experiment import Experiment
from service.domain.spec import ExperimentSpec
from tests.benchmarks import Measurement, Statement, training_engine
from tests.benchmarks.training_engine import Case, build_network, usual_dataset
from tests.served import Served, served
from workers import cohort, learners, trainer, training_data
from workers.cohort import Company
from workers.randomness import Purpose, seed_global
from workers.trainer import Course, train_epoch

REPETITIONS = 5
GPU = torch.device("cuda")
COHORT_EPOCHS = 10
COHORTS = (1, 8, 16, 64)
SWEEPS = (16, 64)
PRESETS = ("mnist-speedrun", "mnist-best", "pytorch-example")
ENOUGH = {"name": "mnist", "train_size": 6_400}
"""For `mnist_example`: a GPU is through with half as many too soon."""
CASES = [
    replace(case, given=case.given | {"dataset": ENOUGH}) if case.given["architecture"] == "mnist_example" else case
    for case in training_engine.CASES
]
SEEDS: dict[str, dict[str, Any]] = {
    "256-64-10 on USPS": {"dataset": "usps", "architecture": {"name": "mlp", "hidden": [64]}},
    "lenet5 on USPS": {"dataset": "usps", "architecture": "lenet5"},
}


def measure() -> list[Measurement | Statement]:
    """A statement that there is no GPU, where there is none; nothing where there is no real data."""
    if not torch.cuda.is_available():
        return [Statement("GPUs", 0, "", "there is no GPU: nothing was measured on one")]
    data_dir = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere")).resolve()
    if not (data_dir / "MNIST").is_dir() or not (data_dir / "USPS").is_dir():
        return []
    found: list[Measurement | Statement] = [
        Statement("GPUs", torch.cuda.device_count(), "", torch.cuda.get_device_name(GPU))
    ]
    for case in CASES:
        found += _an_epoch(case, data_dir)
    for name, given in SEEDS.items():
        found += [_seeds(name, given, count, data_dir) for count in COHORTS]
    with served(data_dir=data_dir) as service:
        found += [_sweep(service, count) for count in SWEEPS]
        found += [_preset(service, preset) for preset in PRESETS]
    return found


def _an_epoch(case: Case, data_dir: Path) -> list[Measurement | Statement]:
    spec = case.spec
    course = _course(case.given | {"epochs": REPETITIONS + 2}, data_dir, seed=0)
    ours, loading, resident = [], [], []
    with _loops(case, data_dir) as epoch_of:
        for _ in range(REPETITIONS + 1):
            (epoch,) = train_epoch([course])
            assert epoch is not None
            ours.append(len(course.data.train) / epoch.samples_per_second)
            loading.append(epoch_of("DataLoader"))
            resident.append(epoch_of("resident"))
    name = f"{case.name}, GPU: an epoch of training"
    within, in_all = _waits(course)
    steps = -(-len(course.data.train) // spec.batch_size)
    return [
        Measurement(name, tuple(ours[1:]), tuple(loading[1:]), "usual loop", round(case.goal, 3)),
        Measurement(name, tuple(ours[1:]), tuple(resident[1:]), "eager, images on the GPU", 1.0),
        Statement(
            f"{case.name}: waits for the GPU in {steps} steps", within, "", f"{in_all} with all that follows them"
        ),
    ]


def _waits(course: Course) -> tuple[int, int]:
    """How often the processor waits in the steps of an epoch, and in an epoch with its figures and validation."""
    counts = []
    for work in (partial(trainer._train_epoch, [course], None), partial(train_epoch, [course])):
        course.epoch = 1
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            work()
            torch.cuda.set_sync_debug_mode("default")
        counts.append(sum("called a synchronizing" in str(each.message) for each in heard))
    within, in_all = counts
    return within, in_all


def _course(given: dict[str, Any], data_dir: Path, *, seed: int) -> Course:
    spec = ExperimentSpec.model_validate(given | {"seed": seed})
    data = training_data.prepare(spec.dataset, seed=seed, data_dir=data_dir, mirror=None).to(GPU)
    seed_global(seed, epoch=0, purpose=Purpose.WEIGHTS)
    return Course(learners.build(build_network(spec).to(GPU), spec), data, spec)


def _seeds(name: str, given: dict[str, Any], count: int, data_dir: Path) -> Measurement:
    """All of them, from new networks to their last epoch, validation and a look inside each included."""
    together, one_by_one = [], []
    spec = given | {"epochs": COHORT_EPOCHS}
    for _ in range(REPETITIONS + 1):
        together.append(_seconds(_courses(spec, count, data_dir), side_by_side=True))
        one_by_one.append(_seconds(_courses(spec, count, data_dir), side_by_side=False))
    return Measurement(
        f"{count} seeds of {name}, {COHORT_EPOCHS} epochs, GPU",
        tuple(together[1:]),
        tuple(one_by_one[1:]),
        "one after another",
        1.0,
    )


def _courses(spec: dict[str, Any], count: int, data_dir: Path) -> list[Course]:
    return [_course(spec, data_dir, seed=seed) for seed in range(count)]


def _seconds(courses: Sequence[Course], *, side_by_side: bool) -> float:
    most = cohort.capacity(courses[0].learner) if side_by_side else 1
    groups = [courses[start : start + most] for start in range(0, len(courses), most)]
    torch.cuda.synchronize()
    began = time.perf_counter()
    for group in groups:
        together: Company | None = None
        if len(group) > 1:
            together = cohort.together([each.learner for each in group], images=len(group[0].data.train))
            assert together is not None
        for _ in range(COHORT_EPOCHS):
            train_epoch(group, together)
    torch.cuda.synchronize()
    return time.perf_counter() - began


def _sweep(service: Served, count: int) -> Measurement:
    """Seeds of 256-64-32-10 on USPS: a cohort, and the same work as runs that are of no cohort."""
    base = {
        "dataset": "usps", "architecture": {"name": "mlp", "hidden": [64, 32]}, "epochs": COHORT_EPOCHS,
    }  # fmt: skip
    stopping = [{"patience": COHORT_EPOCHS + each} for each in range(count)]
    together, one_by_one = [], []
    for _ in range(REPETITIONS + 1):
        together.append(service.seconds({"base": base, "seeds": [*range(count)]}))
        one_by_one.append(service.seconds({"base": base, "grid": {"early_stopping": stopping}}))
    return Measurement(
        f"{count} seeds of 256-64-32-10 on USPS, {COHORT_EPOCHS} epochs, GPU, through the service",
        tuple(together[1:]),
        tuple(one_by_one[1:]),
        "one by one in the service",
        1.0,
    )


def _preset(service: Served, name: str) -> Statement:
    seconds, accuracies = [], []
    for seed in range(REPETITIONS + 1):
        began = time.perf_counter()
        *_, ended = service.client.watch(service.client.submit({"preset": name, "seed": seed}).id)
        seconds.append(time.perf_counter() - began)
        assert isinstance(ended, Experiment)
        assert ended.test is not None, ended.error
        accuracies.append(ended.test.accuracy or 0.0)
    remark = f"test accuracy {min(accuracies):.4f} to {max(accuracies):.4f}, mean {mean(accuracies):.4f}"
    return Statement(f"{name}, GPU, POST to end", median(seconds[1:]), "s", f"{len(seconds)} seeds, {remark}")


@contextmanager
def _loops(case: Case, data_dir: Path) -> Iterator[Callable[[str], float]]:
    """A call trains one epoch in a process that waits between them, in the loop of this name, and gives its seconds."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_be_the_loops, args=(there, case, data_dir))
    process.start()
    there.close()

    def epoch(name: str) -> float:
        here.send(name)
        seconds: float = here.recv()
        return seconds

    try:
        yield epoch
    finally:
        here.close()
        process.join()


def _be_the_loops(orders: Connection, case: Case, data_dir: Path) -> None:
    """Until the other end closes."""
    spec = case.spec
    loops = {
        "DataLoader": DataLoader(usual_dataset(spec, data_dir), batch_size=spec.batch_size, shuffle=True),
        "resident": _Resident(spec, data_dir),
    }
    networks = {name: build_network(spec).to(GPU) for name in loops}
    optimizers = {name: case.optimizer(network.parameters()) for name, network in networks.items()}
    try:
        while name := orders.recv():
            orders.send(_epoch(networks[name], loops[name], optimizers[name]))
    except EOFError:
        return


class _Resident:
    """Batches of images that are on the GPU, standardised, in a new order each time."""

    def __init__(self, spec: ExperimentSpec, data_dir: Path) -> None:
        data = training_data.prepare(spec.dataset, seed=0, data_dir=data_dir, mirror=None)
        own = data.train.taken()
        self._images = datasets.standardise(own.images, mean=data.mean, std=data.std).to(GPU)
        self._labels, self._batch_size = own.labels.to(GPU), spec.batch_size

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for part in torch.split(torch.randperm(len(self._labels), device=GPU), self._batch_size):
            yield self._images[part], self._labels[part]


def _epoch(network: nn.Module, batches: Any, optimizer: optim.Optimizer) -> float:
    torch.cuda.synchronize()
    began = time.perf_counter()
    network.train()
    for images, labels in batches:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images.to(GPU)), labels.to(GPU))
        torch.autograd.backward(loss)
        optimizer.step()
    torch.cuda.synchronize()
    return time.perf_counter() - began
