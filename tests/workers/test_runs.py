"""What becomes of experiments that a real worker process takes from a real database."""

import math
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch

from service import checkpoints, ids, submission
from service.domain.experiment import Resumption, State
from service.storage import checkpoints as checkpoint_rows
from service.storage import experiments, workers
from tests.workers.conftest import Bench, numbers
from workers.evaluation import evaluate
from workers.training_data import prepare


def ended(bench: Bench, experiment_id: str) -> bool:
    """True once the run has ended."""
    return bench.get(experiment_id).state.ended


def run(bench: Bench, **spec: Any) -> str:
    """Queue an experiment and wait for its end."""
    experiment_id = bench.submit(**spec)
    bench.wait_until(lambda: ended(bench, experiment_id))
    return experiment_id


def test_a_run_ends_with_every_epoch_its_best_weights_and_one_look_at_the_test_split(shared: Bench) -> None:
    experiment_id = run(shared, epochs=6, optimizer="adam", device="cpu")
    done, epochs = shared.get(experiment_id), shared.epochs(experiment_id)
    assert done.state is State.COMPLETED
    assert done.error is None
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4, 5, 6]
    assert done.progress.epoch == 6
    assert done.progress.fraction == 1.0
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.created_at <= done.started_at <= done.finished_at
    best = max(epochs, key=lambda epoch: (epoch.val_accuracy, -(epoch.val_loss or math.inf)))
    assert done.best is not None
    assert (done.best.epoch, done.best.val_loss, done.best.val_accuracy) == (
        best.epoch,
        best.val_loss,
        best.val_accuracy,
    )
    assert done.last is not None
    assert done.last.train_loss == epochs[-1].train_loss
    with shared.database.reading() as session:
        stored = checkpoint_rows.named(session, experiment_id, "best")
    network, manifest = checkpoints.load_network(shared.artifacts, stored)
    assert stored.epoch == best.epoch == manifest.epoch
    torch.set_num_threads(1)
    data = prepare(done.spec.dataset, seed=0, data_dir=Path("nowhere"), mirror=None)
    judged = evaluate(network, data.test, mean=manifest.mean, std=manifest.std, label_smoothing=0.0)
    assert done.test is not None
    assert (done.test.loss, done.test.accuracy) == (judged.loss, judged.accuracy)


def test_a_worker_that_has_nothing_else_to_do_gets_to_know_the_images_for_the_doctor(bench: Bench) -> None:
    known = bench.home / "cache" / "familiarity-digits-8.safetensors"
    bench.start("--count", "1")
    run(bench, dataset="digits", epochs=1)
    bench.wait_until(known.exists)
    assert bench.get(run(bench, dataset="digits", epochs=1)).state is State.COMPLETED


def test_what_the_numbers_depend_on_is_recorded(shared: Bench) -> None:
    environment = shared.get(run(shared, epochs=1)).environment
    assert environment is not None
    assert environment["torch"] == torch.__version__
    assert environment["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert environment["threads"] == 1
    assert environment["device"] == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_diverged_run_is_completed_and_its_numbers_are_null(shared: Bench) -> None:
    experiment_id = run(shared, epochs=5, optimizer={"name": "sgd", "learning_rate": 1000.0})
    done = shared.get(experiment_id)
    assert (done.state, done.diverged, done.best, done.test) == (State.COMPLETED, True, None, None)
    assert shared.epochs(experiment_id)[-1].train_loss is None
    assert "NaN" not in done.model_dump_json()


def test_a_run_that_raises_fails_with_type_message_and_traceback(shared: Bench) -> None:
    failed = shared.get(run(shared, epochs=1, device="mps"))
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.type == "DeviceUnavailableError"
    assert "'mps'" in failed.error.message
    assert failed.error.traceback_tail is not None
    assert "choose_device" in failed.error.traceback_tail
    assert shared.get(run(shared, epochs=1)).state is State.COMPLETED


def test_early_stopping_waits_for_its_patience_and_no_longer(shared: Bench) -> None:
    experiment_id = run(
        shared,
        epochs=200,
        optimizer={"name": "sgd", "learning_rate": 0.5, "momentum": 0.0},
        early_stopping={"monitor": "val_accuracy", "patience": 2},
    )
    done = shared.get(experiment_id)
    assert done.best is not None
    assert done.progress.epoch == done.best.epoch + 2 < 200
    assert done.progress.fraction == 1.0


@pytest.mark.parametrize(
    ("keep", "names"),
    [("best_and_last", {"best", "last"}), ("all", {"best", "last", "1", "2", "3", "4"}), ("last", {"last", "4"})],
)
def test_what_is_kept_can_be_read_and_nothing_else_lies_around(shared: Bench, keep: str, names: set[str]) -> None:
    experiment_id = run(shared, epochs=4, checkpoints={"keep": keep})
    with shared.database.reading() as session:
        listing = checkpoint_rows.listing(session, experiment_id)
        stored = checkpoint_rows.all_of(session, experiment_id)
    assert names <= {item.name for item in listing.items}
    named = {Path(checkpoint.folder).name for checkpoint in stored}
    folder = shared.artifacts / experiment_id
    shared.wait_until(
        lambda: {each.name for each in folder.iterdir()} == named
    )  # what is superseded goes after the row
    for checkpoint in stored:
        checkpoints.load_network(shared.artifacts, checkpoint)


def test_a_running_run_is_cancelled_within_its_batch(shared: Bench) -> None:
    experiment_id = shared.submit(epochs=10_000)
    shared.wait_until(lambda: shared.get(experiment_id).progress.epoch >= 2)
    with shared.database.writing() as session:
        experiments.cancel(session, experiment_id, now=datetime.now(UTC))
    asked = datetime.now(UTC)
    shared.wait_until(lambda: ended(shared, experiment_id))
    cancelled = shared.get(experiment_id)
    assert cancelled.state is State.CANCELLED
    assert cancelled.finished_at is not None
    assert (cancelled.finished_at - asked).total_seconds() < 2.0
    assert [each.epoch for each in shared.epochs(experiment_id)] == list(range(1, cancelled.progress.epoch + 1))


def test_a_continued_run_is_one_unbroken_series(shared: Bench) -> None:
    whole = run(shared, epochs=5)
    parts = run(shared, epochs=2)
    with shared.database.writing() as session:
        experiments.continue_for(session, parts, epochs=3, limit=100, now=datetime.now(UTC))
    shared.wait_until(lambda: ended(shared, parts))
    assert numbers(shared.epochs(parts)) == numbers(shared.epochs(whole))
    assert shared.weights(parts) == shared.weights(whole)
    done, reference = shared.get(parts), shared.get(whole)
    assert done.spec.epochs == 5
    assert done.spec_hash == reference.spec_hash
    assert done.test == reference.test
    assert done.resumptions == (Resumption(attempt=2, after_epoch=2, continued=True),)


def test_a_run_that_stopped_early_has_its_patience_again_even_from_the_beginning(shared: Bench) -> None:
    """Its checkpoints are gone, so all epochs are trained again, through the one at which it had stopped."""
    experiment_id = run(shared, epochs=60, early_stopping={"monitor": "val_accuracy", "patience": 1})
    reached = shared.get(experiment_id).progress.epoch
    assert reached < 60
    for weights in (shared.artifacts / experiment_id).glob("*/weights.safetensors"):
        weights.unlink()
    with shared.database.writing() as session:
        experiments.continue_for(session, experiment_id, epochs=1, limit=100, now=datetime.now(UTC))
    shared.wait_until(lambda: ended(shared, experiment_id))
    assert shared.get(experiment_id).progress.epoch == reached + 1


def test_a_reproduction_says_whether_it_is_identical(shared: Bench) -> None:
    first = run(shared, epochs=3)
    with shared.database.writing() as session:
        again = submission.reproduce(session, first, owner=None, now=datetime.now(UTC)).id
    shared.wait_until(lambda: ended(shared, again))
    reproduction = shared.get(again).reproduction
    assert reproduction is not None
    assert (reproduction.of, reproduction.identical) == (first, True)


def test_runs_start_by_priority(shared: Bench) -> None:
    blocker = shared.submit(epochs=10_000)
    shared.wait_until(lambda: shared.get(blocker).state is State.RUNNING)
    low, high = shared.submit(epochs=1), shared.submit(epochs=1, priority=5)
    with shared.database.writing() as session:
        experiments.cancel(session, blocker, now=datetime.now(UTC))
    shared.wait_until(lambda: ended(shared, low) and ended(shared, high))
    started = [shared.get(each).started_at for each in (high, low)]
    assert None not in started
    assert started == sorted(started, key=lambda time: time or datetime.max.replace(tzinfo=UTC))


def test_the_worker_is_listed_as_alive_and_is_the_one_that_trains(shared: Bench) -> None:
    experiment_id = run(shared, epochs=1)
    with shared.database.reading() as session:
        living = [worker.id for worker in workers.listing(session).items if worker.alive]
    assert shared.get(experiment_id).worker in living


def test_a_worker_that_dies_is_replaced_and_its_run_taken_up(shared: Bench) -> None:
    experiment_id = shared.submit(epochs=40, checkpoints={"keep": "all"})
    shared.wait_until(lambda: shared.get(experiment_id).progress.epoch >= 3)
    worker = shared.get(experiment_id).worker
    assert worker is not None
    os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)
    shared.wait_until(lambda: ended(shared, experiment_id))
    done = shared.get(experiment_id)
    assert (done.state, done.attempt) == (State.COMPLETED, 2)
    assert done.worker != worker
    assert not done.resumed_inexact
    (resumption,) = done.resumptions
    assert (resumption.attempt, resumption.continued) == (2, False)
    assert 0 < resumption.after_epoch < 40


@pytest.mark.parametrize(
    "spec",
    [
        {"epochs": 3},
        {"epochs": 9, "optimizer": {"name": "sgd", "learning_rate": 1000.0}},
        {"epochs": 90, "early_stopping": {"monitor": "val_accuracy", "patience": 1}},
    ],
    ids=["at its end", "diverged", "stopped early"],
)
def test_a_run_that_is_lost_between_its_last_checkpoint_and_its_end_ends_the_same(
    shared: Bench, spec: dict[str, Any]
) -> None:
    experiment_id = run(shared, **spec)
    before, epochs, weights = shared.get(experiment_id), shared.epochs(experiment_id), shared.weights(experiment_id)
    shared.lose(experiment_id)
    shared.wait_until(lambda: ended(shared, experiment_id))
    after = shared.get(experiment_id)
    assert (after.state, after.attempt) == (State.COMPLETED, 2)
    assert shared.epochs(experiment_id) == epochs
    assert shared.weights(experiment_id) == weights
    assert (after.test, after.best, after.last, after.diverged) == (
        before.test,
        before.best,
        before.last,
        before.diverged,
    )


def test_ids_sort_by_time() -> None:
    made = [ids.new() for _ in range(100)]
    assert made == sorted(made)
