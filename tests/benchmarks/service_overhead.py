"""What the service adds to a run: the wait of a queued run for a warm worker, and recording beside training.

The bare loop is the same trainer in this process, without database, checkpoints or heartbeat, on the same tensors with
as many threads; it and a run through a worker process take turns.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from service import architectures
from service.domain.spec import ExperimentSpec
from service.storage import Database, migrations
from tests.benchmarks import Measurement
from tests.workers.conftest import Bench
from workers import learners, trainer, training_data
from workers.evaluation import evaluate
from workers.randomness import Purpose, seed_global

REPETITIONS = 7
STARTS = 30
ALLOWED_START_SECONDS = 0.1
EPOCHS = 20


def measure() -> list[Measurement]:
    """The start of a queued run and the cost of a whole one."""
    torch.set_num_threads(1)
    data_dir = os.environ.get("ARDOISE_DATA_DIR")
    dataset = "usps" if data_dir and (Path(data_dir) / "USPS").is_dir() else "synthetic"
    with tempfile.TemporaryDirectory() as home:
        database = Database(f"sqlite:///{home}/ardoise.db")
        migrations.upgrade(database)
        bench = Bench(home=Path(home), database=database)
        try:
            bench.start("--count", "1", **({"ARDOISE_DATA_DIR": data_dir} if data_dir else {}))
            _through_the_service(bench, dataset=dataset, epochs=1)
            return [_starts(bench), _whole_runs(bench, dataset, Path(data_dir or home))]
        finally:
            bench.close()


def _starts(bench: Bench) -> Measurement:
    waits = []
    for _ in range(STARTS):
        done = bench.get(_through_the_service(bench, dataset="synthetic", epochs=1))
        assert done.started_at is not None
        waits.append((done.started_at - done.created_at).total_seconds())
    return Measurement(
        name="a warm worker starts a queued run",
        ours=tuple(waits),
        baseline=(ALLOWED_START_SECONDS,) * STARTS,
        baseline_name="allowed",
        at_most=1.0,
    )


def _whole_runs(bench: Bench, dataset: str, data_dir: Path) -> Measurement:
    spec = ExperimentSpec.model_validate({"dataset": dataset, "architecture": "mlp", "epochs": EPOCHS})
    ours, bare = [], []
    _bare_loop(spec, data_dir)
    for _ in range(REPETITIONS):
        done = bench.get(_through_the_service(bench, dataset=dataset, epochs=EPOCHS))
        assert done.started_at is not None
        assert done.finished_at is not None
        ours.append((done.finished_at - done.started_at).total_seconds())
        bare.append(_bare_loop(spec, data_dir))
    return Measurement(
        name=f"{EPOCHS} epochs of {spec.name} through the service",
        ours=tuple(ours),
        baseline=tuple(bare),
        baseline_name="bare loop",
        at_most=1.05,
    )


def _through_the_service(bench: Bench, **spec: Any) -> str:
    experiment_id = bench.submit(**spec)
    bench.wait_until(lambda: bench.get(experiment_id).state.ended)
    return experiment_id


def _bare_loop(spec: ExperimentSpec, data_dir: Path) -> float:
    began = time.perf_counter()
    data = training_data.prepare(spec.dataset, seed=spec.seed, data_dir=data_dir, mirror=None)
    seed_global(spec.seed, epoch=0, purpose=Purpose.WEIGHTS)
    network = architectures.build(
        spec.architecture, activation=spec.activation, image_size=spec.dataset.side, classes=10
    )
    for _epoch in trainer.train(learners.build(network, spec), data, spec):
        pass
    evaluate(network, data.test, mean=data.mean, std=data.std, label_smoothing=spec.loss.label_smoothing)
    return time.perf_counter() - began
