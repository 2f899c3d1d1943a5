"""How much of this machine's arithmetic an epoch of each architecture reaches, and what takes the rest of the time.

An epoch's arithmetic is that of its layers' products, two operations a multiply-accumulate: forward, for the gradient
of the weights, and, but for the first layer, for that of the inputs. Counted so whatever way it is computed. The peak
is the best that this machine was seen to do in the same minute, of matrix products for dense networks and of
convolutions for the others. One thread, which is what a worker has where there is one for each core.

Then a stack of networks side by side, and what two processes at once reach together: virtual cores may share one core's
arithmetic, and then a second worker adds less than a core.
"""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from service import architectures
from service.domain.spec import ExperimentSpec
from tests.benchmarks import Statement
from workers import learners, trainer, training_data
from workers.cohort import Cohort
from workers.feed import Feed
from workers.learner import Learner
from workers.learners import DenseLearner
from workers.training_data import TrainingData

REPETITIONS = 7
BATCHES, PROFILED_BATCHES = 20, 10
PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "baddbmm_", "mkldnn_convolution", "convolution_backward"}
STACKED = 8
SUSTAINED_SECONDS = 0.5
NAMED = 4
"""Of the kernels that take the rest of the time, the longest."""


def measure() -> list[Statement]:
    """Each architecture of the catalogue as it is by default, batch 64, images of 28 x 28 pixels."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [*(_share_of_peak(name) for name in architectures.names()), _stack(), _two_at_once()]
    finally:
        torch.set_num_threads(threads)


def _stack() -> Statement:
    """Eight networks of 256-64-32-10 side by side, as a sweep over seeds trains them."""
    specs = [
        ExperimentSpec.model_validate(
            {
                "dataset": {"name": "synthetic", "train_size": 64 * BATCHES},
                "architecture": {"name": "mlp", "hidden": [64, 32]},
                "seed": seed,
            }
        )
        for seed in range(STACKED)
    ]
    first = specs[0]
    data = [training_data.prepare(each.dataset, seed=each.seed, data_dir=Path(), mirror=None) for each in specs]
    members = [
        learners.build(
            architectures.build(each.architecture, activation="relu", image_size=first.dataset.side, classes=10), each
        )
        for each in specs
    ]
    cohort = Cohort([each for each in members if isinstance(each, DenseLearner)])
    rates = [first.optimizer.learning_rate] * STACKED

    def epoch() -> None:
        feed = Feed([(own, each, 1) for own, each in zip(data, specs, strict=True)])
        cohort.begin_epoch(feed.images)
        for step in range(feed.steps):
            images, labels = feed.batch(step)
            cohort.step(images.squeeze(2), labels, learning_rates=rates)

    seconds, peaks = [], []
    for _ in range(REPETITIONS + 1):
        peaks.append(_matrix_products())
        began = time.perf_counter()
        epoch()
        seconds.append((time.perf_counter() - began) / BATCHES)
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        epoch()
    operations = _operations(first) * first.batch_size * STACKED
    speed, peak = operations / median(seconds[1:]), max(peaks)
    return Statement(
        name=f"a stack of {STACKED} networks of 256-64-32-10: share of the peak",
        value=100 * speed / peak,
        unit="%",
        remark=f"{1e3 * median(seconds[1:]):.2f} ms a step; {_shares(recorded)}",
    )


def _two_at_once() -> Statement:
    """Matrix products of two processes at once, against those of one alone, in turn."""
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawned) as both:
        alone, together = [], []
        for _ in range(REPETITIONS):
            alone.append(both.submit(_sustained).result())
            together.append(sum(each.result() for each in [both.submit(_sustained) for _ in range(2)]))
    return Statement(
        name="matrix products of two processes at once",
        value=median(together) / median(alone),
        unit="of one alone",
        remark=f"{median(together) / 1e9:.0f} of {median(alone) / 1e9:.0f} GFLOP/s; 2 where cores share nothing",
    )


def _sustained() -> float:
    """Operations a second over some half a second, on one thread."""
    torch.set_num_threads(1)
    one, other, out = (torch.randn(512, 512) for _ in range(3))
    began, done = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < SUSTAINED_SECONDS:
        torch.mm(one, other, out=out)
        done += 1
    return 2 * 512**3 * done / passed


def _share_of_peak(name: str) -> Statement:
    spec = ExperimentSpec.model_validate(
        {
            "dataset": {"name": "synthetic", "image_size": 28, "train_size": 64 * BATCHES},
            "architecture": name,
            "epochs": REPETITIONS + 1,
        }
    )
    data = training_data.prepare(spec.dataset, seed=0, data_dir=Path(), mirror=None)
    network = architectures.build(spec.architecture, activation=spec.activation, image_size=28, classes=10)
    convolutional = any(isinstance(layer, nn.Conv2d) for layer in network)
    learner = learners.build(network, spec)
    learner.shared = False
    epochs = trainer.train(learner, data, spec)
    peaks, reached = [], []
    for _ in range(REPETITIONS + 1):
        peaks.append(_convolutions() if convolutional else _matrix_products())
        reached.append(next(epochs).samples_per_second * _operations(spec))
    peak, speed = max(peaks), median(reached[1:])
    return Statement(
        name=f"{name}: share of the peak of {'convolutions' if convolutional else 'matrix products'}",
        value=100 * speed / peak,
        unit="%",
        remark=f"{speed / 1e9:.1f} of {peak / 1e9:.1f} GFLOP/s; {_where_time_goes(learner, data, spec)}",
    )


def _operations(spec: ExperimentSpec) -> int:
    """Of an image that is learnt from."""
    ledger = architectures.ledger(
        spec.architecture, activation=spec.activation, image_size=spec.dataset.side, classes=10
    )
    first = next(layer.multiply_accumulates for layer in ledger.layers if layer.multiply_accumulates)
    return 2 * (3 * ledger.multiply_accumulates - first)


def _matrix_products() -> float:
    """Operations a second; 1024 x 1024 matrices stay in the third-level cache."""
    one, other, out = (torch.randn(1024, 1024) for _ in range(3))
    return 2 * 1024**3 / _best(lambda: torch.mm(one, other, out=out))


def _convolutions() -> float:
    """Operations a second of 64 channels to 64, 3 x 3, on 28 x 28 pixels, channels last."""
    values = torch.randn(16, 64, 28, 28).contiguous(memory_format=torch.channels_last)
    weights = torch.randn(64, 64, 3, 3).contiguous(memory_format=torch.channels_last)
    return 2 * 16 * 28**2 * 64**2 * 9 / _best(lambda: functional.conv2d(values, weights, padding=1))


def _best(run: Callable[[], torch.Tensor]) -> float:
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _where_time_goes(learner: Learner, data: TrainingData, spec: ExperimentSpec) -> str:
    """Shares of a step's time by torch's profiler, whose own cost falls on small kernels."""
    feed = Feed([(data, spec, 1)])
    learner.network.train()
    learner.begin_epoch(feed.images)
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        for step in range(PROFILED_BATCHES):
            images, labels = feed.batch(step)
            learner.step(images[0], labels[0], learning_rate=spec.optimizer.learning_rate)
    return _shares(recorded)


def _shares(recorded: profile) -> str:
    spent = Counter[str]()
    for event in recorded.key_averages():
        name = event.key.removeprefix("aten::")
        spent["products" if name in PRODUCTS else name] += event.self_cpu_time_total
    total = spent.total()
    products = spent.pop("products")
    rest = ", ".join(f"{name} {100 * taken / total:.0f}%" for name, taken in spent.most_common(NAMED))
    return f"products take {100 * products / total:.0f}% of a step, then {rest}"
