"""Sixteen seeds of one network through the service, against the same runs in the loop that users write for them.

The service is a whole `ardoise serve` with its default workers: a sweep is sent over HTTP, and it is over when all of
it has ended; its processor seconds are those of all its processes. The loop is `tests/usual_loop.py`: once in a warm
process, with all images in memory and the number of threads that is quicker for it, and once as a fresh process a run.

Two busy cores of a machine may share what they compute with (`arithmetic.py` looks): then two workers end sooner and
use more processor seconds than one. So a service with one worker has its turn, too.
"""

import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from statistics import mean, stdev

import torch

from service.domain.sweep import Sweep
from service.settings import cores
from tests import usual_loop
from tests.benchmarks import Measurement, Statement
from tests.served import Served, served

REPETITIONS = 5
SEEDS = 16
FEWEST_THREADS = 1
PROBED = 3
"""Runs by which the number of threads is chosen."""
BASE = {
    "dataset": "usps",
    "architecture": {"name": "mlp", "hidden": [*usual_loop.HIDDEN]},
    "batch_size": usual_loop.BATCH,
    "epochs": usual_loop.EPOCHS,
}
TOGETHER = {"base": BASE, "seeds": [*range(SEEDS)]}
ONE_BY_ONE = {
    "base": BASE,
    "grid": {"early_stopping": [{"patience": usual_loop.EPOCHS + each} for each in range(SEEDS)]},
}
"""The same work, but no two specs are of one cohort: each would stop after another number of epochs, which none has."""


def measure() -> list[Measurement | Statement]:
    """Nothing where there is no USPS: the goals are about it."""
    data_dir = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
    if not (data_dir / "USPS").is_dir():
        return []
    spawned = multiprocessing.get_context("spawn")
    together, cpu, by_one_worker, one_by_one, usual, fresh = [], [], [], [], [], []
    with (
        served(data_dir=data_dir) as service,
        served(data_dir=data_dir, workers=1) as one_worker,
        ProcessPoolExecutor(1, mp_context=spawned) as warm,
    ):
        threads = _quicker_threads(warm, data_dir)
        for repetition in range(REPETITIONS + 1):
            seconds, processor_seconds, sweep = _through(service, TOGETHER)
            _, of_one_worker, _ = _through(one_worker, TOGETHER)
            alone, _, _ = _through(service, ONE_BY_ONE)
            looped, accuracies = warm.submit(_all_runs, data_dir, threads).result()
            if repetition:  # the first is to warm up
                together.append(seconds)
                cpu.append(processor_seconds)
                by_one_worker.append(of_one_worker)
                one_by_one.append(alone)
                usual.append(looped)
                fresh.append(SEEDS * _fresh_process(data_dir, repetition))
    what = f"{SEEDS} seeds of 256-64-32-10 on USPS"
    loop = f"eager loop, {threads} of {cores()} threads"
    return [
        Measurement(what, tuple(together), tuple(usual), loop, round(1 / 6, 3)),
        Measurement(f"{what}, processor", tuple(cpu), tuple(fresh), f"{SEEDS} fresh processes", 1 / 40),
        Measurement(
            f"{what}, processor, one worker", tuple(by_one_worker), tuple(fresh), f"{SEEDS} fresh processes", 1 / 40
        ),
        Measurement(f"{what}, cohorts", tuple(together), tuple(one_by_one), "one by one in the service", 1.0),
        *_accuracies(sweep, accuracies),
    ]


def _through(service: Served, request: Mapping[str, object]) -> tuple[float, float, Sweep]:
    """Seconds that passed, seconds of the processor, and what has become of it."""
    spent, began = service.cpu_seconds(), time.perf_counter()
    sweep = service.sweep(request)
    return time.perf_counter() - began, service.cpu_seconds() - spent, sweep


def _quicker_threads(warm: ProcessPoolExecutor, data_dir: Path) -> int:
    """What the loop is quicker with: all of torch's threads or one."""
    tried = {}
    for threads in (FEWEST_THREADS, cores()):
        warm.submit(_all_runs, data_dir, threads, seeds=1).result()
        tried[threads], _ = warm.submit(_all_runs, data_dir, threads, seeds=PROBED).result()
    return min(tried, key=lambda threads: tried[threads])


def _all_runs(data_dir: Path, threads: int, seeds: int = SEEDS) -> tuple[float, list[float]]:
    """In the warm process: seconds, and the test accuracy of each."""
    torch.set_num_threads(threads)
    data = _read(data_dir)
    began = time.perf_counter()
    accuracies = [usual_loop.train(data, seed=seed) for seed in range(seeds)]
    return time.perf_counter() - began, accuracies


@cache
def _read(data_dir: Path) -> usual_loop.Usps:
    return usual_loop.read(data_dir)


def _fresh_process(data_dir: Path, seed: int) -> float:
    """Its processor seconds, with one thread: threads that wait for each other only add to them."""
    command = [sys.executable, "-m", "tests.usual_loop", str(data_dir), str(seed)]
    before = _children_seconds()
    subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, check=True)
    return _children_seconds() - before


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _accuracies(sweep: Sweep, usual: list[float]) -> list[Statement]:
    ours = [each.test.accuracy for each in sweep.items if each.test is not None and each.test.accuracy is not None]
    return [
        Statement(
            f"test accuracy of {len(each)} seeds, {whose}", mean(each), "", f"standard deviation {stdev(each):.4f}"
        )
        for whose, each in (("service", ours), ("eager loop", usual))
    ]
