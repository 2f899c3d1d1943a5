"""Processes are killed, stopped and told to end while they train; every curve ends as if nothing had happened."""

import os
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from service.domain.experiment import BestEpoch, State, TestResult
from service.storage import checkpoints as checkpoint_rows
from service.storage import experiments, history, queue
from tests.workers.conftest import LONG, Bench, numbers

# Dropout, momentum, batch norm and a schedule: each has something that a careless resume would lose.
DELICATE: dict[str, Any] = {
    "architecture": {"name": "mlp", "hidden": [48], "dropout": 0.4, "batch_norm": True},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "schedule": "cosine",
    "epochs": 30,
    "checkpoints": {"keep": "all"},
}
LOST_AFTER = 24
"""Epochs, of those."""


def pid_of(bench: Bench, experiment_id: str) -> int:
    """The process that trains the run."""
    worker = bench.get(experiment_id).worker
    assert worker is not None
    return int(worker.rpartition(":")[2])


def ended(bench: Bench, experiment_id: str) -> bool:
    """True once the run has ended."""
    return bench.get(experiment_id).state.ended


def _is_at(bench: Bench, experiment_id: str, *, attempt: int, epoch: int) -> bool:
    now = bench.get(experiment_id)
    return now.attempt == attempt and now.progress.epoch >= epoch


class Ended(NamedTuple):
    """All that must be the same to the bit."""

    numbers: list[tuple[float | int | None, ...]]
    weights: bytes
    test: TestResult | None
    best: BestEpoch | None

    @classmethod
    def of(cls, bench: Bench, experiment_id: str) -> "Ended":
        """A run that is over."""
        found = bench.get(experiment_id)
        assert found.state is State.COMPLETED
        return cls(numbers(bench.epochs(experiment_id)), bench.weights(experiment_id), found.test, found.best)


@pytest.fixture(scope="module")
def delicate(shared: Bench) -> str:
    """The id of a run that has ended and may be lost again."""
    experiment_id = shared.submit(**DELICATE)
    shared.wait_until(lambda: ended(shared, experiment_id))
    return experiment_id


@pytest.fixture(scope="module")
def expected(shared: Bench, delicate: str) -> Ended:
    """How it ended when nothing had happened to it."""
    assert shared.get(delicate).attempt == 1
    return Ended.of(shared, delicate)


def test_a_run_whose_worker_is_killed_again_and_again_ends_bit_equal(shared: Bench, expected: Ended) -> None:
    victim = shared.submit(**DELICATE)
    for kill in range(1, 4):
        shared.wait_until(partial(_is_at, shared, victim, attempt=kill, epoch=6 * kill))
        os.kill(pid_of(shared, victim), signal.SIGKILL)
    shared.wait_until(lambda: ended(shared, victim))
    assert shared.get(victim).attempt == 4
    assert Ended.of(shared, victim) == expected


def test_a_long_path_of_the_temporary_folder_keeps_no_worker_from_starting(shared: Bench) -> None:
    """That of the worker which most tests share."""
    assert (shared.home / LONG).is_dir()
    experiment_id = shared.submit(epochs=1)
    shared.wait_until(lambda: ended(shared, experiment_id))
    assert shared.get(experiment_id).state is State.COMPLETED


def test_twenty_queued_runs_survive_the_death_of_the_whole_process_tree(bench: Bench) -> None:
    few = {"name": "synthetic", "train_size": 600}
    small = {"dataset": few, "epochs": 6, "architecture": {"name": "mlp", "hidden": [16], "dropout": 0.2}}
    small["device"] = "cpu"  # on a GPU all of them would end at once
    victims = [bench.submit(seed=seed, **small) for seed in range(20)]
    tree = bench.start("--count", "2")
    bench.wait_until(lambda: sum(ended(bench, each) for each in victims) >= 4)
    with bench.database.reading() as session:
        children = [int(worker.rpartition(":")[2]) for worker in queue.running_workers(session)]
    for pid in [tree.pid, *children]:
        os.kill(pid, signal.SIGKILL)
    tree.wait()
    assert not all(ended(bench, each) for each in victims)
    references = [bench.submit(seed=seed, **small) for seed in (0, 7, 19)]
    bench.drain(count=2)
    assert {bench.get(each).state for each in victims} == {State.COMPLETED}
    for victim, reference in zip((victims[0], victims[7], victims[19]), references, strict=True):
        assert numbers(bench.epochs(victim)) == numbers(bench.epochs(reference))
        assert bench.weights(victim) == bench.weights(reference)


def test_a_sleeper_past_its_lease_writes_nothing_more(bench: Bench) -> None:
    """Red where a worker's statements name the run alone, and not the attempt."""
    victim = bench.submit(**DELICATE | {"epochs": 40})
    bench.start("--count", "2", ARDOISE_LEASE_SECONDS="1")
    bench.wait_until(lambda: bench.get(victim).progress.epoch >= 3)
    sleeper = pid_of(bench, victim)
    with bench.asleep(sleeper):
        bench.wait_until(lambda: bench.get(victim).attempt == 2 and pid_of(bench, victim) != sleeper)
    bench.wait_until(lambda: ended(bench, victim))
    done = bench.get(victim)
    assert (done.state, done.attempt) == (State.COMPLETED, 2)
    with bench.database.reading() as session:
        attempts = {checkpoint.attempt for checkpoint in checkpoint_rows.all_of(session, victim)}
        named = {Path(each.folder).name for each in checkpoint_rows.all_of(session, victim)}
    assert attempts == {1, 2}
    bench.wait_until(lambda: {folder.name for folder in (bench.artifacts / victim).iterdir()} == named)
    assert [epoch.epoch for epoch in bench.epochs(victim)] == list(range(1, 41))
    with bench.database.reading() as session:
        events = history.of(session, victim).items
    assert [(each.kind, each.attempt) for each in events] == [
        ("queued", 0), ("claimed", 1), ("lost", 1), ("claimed", 2), ("resumed", 2), ("completed", 2),
    ]  # fmt: skip
    (resumption,) = done.resumptions
    assert [each.epoch for each in events if each.kind == "resumed"] == [resumption.after_epoch]
    assert [each.worker for each in events if each.kind == "claimed"][1] == done.worker


def test_sigterm_gives_the_run_back_and_another_worker_ends_it(bench: Bench, expected: Ended) -> None:
    victim = bench.submit(**DELICATE)
    first = bench.start("--count", "1")
    bench.wait_until(lambda: bench.get(victim).progress.epoch >= 5)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=15) == 0
    given_back = bench.get(victim)
    assert given_back.state is State.QUEUED
    assert given_back.progress.epoch >= 5
    bench.work()
    assert bench.get(victim).worker == "here:1"
    assert Ended.of(bench, victim) == expected


def test_workers_end_when_the_process_that_started_them_is_gone(bench: Bench) -> None:
    victim = bench.submit(epochs=10_000)
    supervisor = bench.start("--count", "1", "--until-stdin-closes")
    bench.wait_until(lambda: bench.get(victim).progress.epoch >= 1)
    child = pid_of(bench, victim)
    assert supervisor.stdin is not None
    supervisor.stdin.close()
    assert supervisor.wait(timeout=15) == 0
    assert bench.get(victim).state is State.QUEUED
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_checkpoint_is_put_aside_and_the_one_before_it_used(
    shared: Bench, delicate: str, expected: Ended, damage: str
) -> None:
    before, folder = shared.get(delicate), shared.artifacts / delicate
    (newest,) = folder.glob(f"{LOST_AFTER:06d}-*")
    state = newest / "state.safetensors"
    if damage == "flip":
        content = bytearray(state.read_bytes())
        content[len(content) // 2] ^= 1
        state.write_bytes(content)
    elif damage == "truncate":
        os.truncate(state, 100)
    else:
        state.unlink()
    shared.lose(delicate, after=LOST_AFTER)
    shared.wait_until(lambda: ended(shared, delicate))
    resumption = shared.get(delicate).resumptions[-1]
    assert (resumption.attempt, resumption.after_epoch) == (before.attempt + 1, LOST_AFTER - 1)
    assert (folder / f".damaged-{newest.name}").is_dir()
    assert Ended.of(shared, delicate) == expected


def test_a_run_whose_workers_are_lost_without_progress_fails_and_those_behind_it_do_not(shared: Bench) -> None:
    """The one worker that there is has something else to do until then."""
    blocker = shared.submit(epochs=10_000)
    shared.wait_until(lambda: shared.get(blocker).state is State.RUNNING)
    poison = shared.submit(epochs=3, priority=10)
    healthy = [shared.submit(epochs=2) for _ in range(3)]
    for attempt in range(1, 4):
        with shared.database.writing() as session:
            claimed = queue.claim(session, worker="elsewhere:1", lease_seconds=60.0, now=datetime.now(UTC))
        assert claimed is not None
        assert (claimed.experiment_id, claimed.attempt) == (poison, attempt)
        with shared.database.writing() as session:
            queue.release(session, claimed, max_failures=3, now=datetime.now(UTC), why="it was lost")
    with shared.database.writing() as session:
        experiments.cancel(session, blocker, now=datetime.now(UTC))
    shared.wait_until(lambda: all(ended(shared, each) for each in (poison, *healthy)))
    failed = shared.get(poison)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.message == "it was lost; 3 attempts in a row made no progress"
    assert {shared.get(each).state for each in healthy} == {State.COMPLETED}
