"""Processes are killed, stopped and told to end while they train; every curve ends as if nothing had happened."""

import os
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.domain.experiment import State
from service.storage import checkpoints as checkpoint_rows
from service.storage import queue
from tests.workers.conftest import Bench, numbers

# Dropout, momentum, batch norm and a schedule: each has something that a careless resume would lose.
DELICATE: dict[str, Any] = {
    "architecture": {"name": "mlp", "hidden": [48], "dropout": 0.4, "batch_norm": True},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "schedule": "cosine",
    "epochs": 30,
    "checkpoints": {"keep": "all"},
}


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


def test_a_run_whose_worker_is_killed_again_and_again_ends_bit_equal(bench: Bench) -> None:
    victim = bench.submit(**DELICATE)
    supervisor = bench.start("--count", "1")
    for kill in range(1, 4):
        bench.wait_until(partial(_is_at, bench, victim, attempt=kill, epoch=6 * kill))
        os.kill(pid_of(bench, victim), signal.SIGKILL)
    bench.wait_until(lambda: ended(bench, victim))
    reference = bench.submit(**DELICATE)
    bench.wait_until(lambda: ended(bench, reference))
    supervisor.terminate()
    assert supervisor.wait(timeout=30) == 0
    assert bench.get(victim).attempt == 4
    assert bench.get(reference).attempt == 1
    assert numbers(bench.epochs(victim)) == numbers(bench.epochs(reference))
    assert bench.weights(victim) == bench.weights(reference)
    assert bench.get(victim).test == bench.get(reference).test
    assert bench.get(victim).best == bench.get(reference).best


def test_a_long_path_of_the_temporary_folder_keeps_no_worker_from_starting(bench: Bench) -> None:
    long = bench.home / ("x" * 100)
    long.mkdir()
    experiment_id = bench.submit(epochs=1)
    bench.drain(TMPDIR=str(long))
    assert bench.get(experiment_id).state is State.COMPLETED


def test_twenty_queued_runs_survive_the_death_of_the_whole_process_tree(bench: Bench) -> None:
    # On a GPU all of them would end at once.
    small = {"epochs": 6, "architecture": {"name": "mlp", "hidden": [16], "dropout": 0.2}, "device": "cpu"}
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
    victim = bench.submit(**DELICATE | {"epochs": 80})
    bench.start("--count", "1", ARDOISE_LEASE_SECONDS="1")
    bench.wait_until(lambda: bench.get(victim).progress.epoch >= 3)
    sleeper = pid_of(bench, victim)
    os.kill(sleeper, signal.SIGSTOP)
    try:
        bench.start("--count", "1", ARDOISE_LEASE_SECONDS="1")
        bench.wait_until(lambda: bench.get(victim).attempt == 2 and pid_of(bench, victim) != sleeper)
    finally:
        os.kill(sleeper, signal.SIGCONT)
    bench.wait_until(lambda: ended(bench, victim))
    done = bench.get(victim)
    assert (done.state, done.attempt) == (State.COMPLETED, 2)
    with bench.database.reading() as session:
        attempts = {checkpoint.attempt for checkpoint in checkpoint_rows.all_of(session, victim)}
        named = {Path(each.folder).name for each in checkpoint_rows.all_of(session, victim)}
    assert attempts == {1, 2}
    bench.wait_until(lambda: {folder.name for folder in (bench.artifacts / victim).iterdir()} == named)
    assert [epoch.epoch for epoch in bench.epochs(victim)] == list(range(1, 81))


def test_sigterm_gives_the_run_back_and_another_worker_ends_it(bench: Bench) -> None:
    victim = bench.submit(**DELICATE)
    first = bench.start("--count", "1")
    bench.wait_until(lambda: bench.get(victim).progress.epoch >= 5)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=15) == 0
    given_back = bench.get(victim)
    assert given_back.state is State.QUEUED
    assert given_back.progress.epoch >= 5
    bench.drain()
    reference = bench.submit(**DELICATE)
    bench.drain()
    assert numbers(bench.epochs(victim)) == numbers(bench.epochs(reference))
    assert bench.weights(victim) == bench.weights(reference)


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
def test_a_damaged_checkpoint_is_put_aside_and_the_one_before_it_used(bench: Bench, damage: str) -> None:
    victim = bench.submit(**DELICATE)
    first = bench.start("--count", "1")
    bench.wait_until(lambda: bench.get(victim).progress.epoch >= 5)
    first.terminate()
    first.wait(timeout=15)
    newest = max((bench.artifacts / victim).glob("[0-9]*/state.safetensors"))
    if damage == "flip":
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
    elif damage == "truncate":
        os.truncate(newest, 100)
    else:
        newest.unlink()
    bench.drain()
    reference = bench.submit(**DELICATE)
    bench.drain()
    assert bench.get(victim).state is State.COMPLETED
    assert list((bench.artifacts / victim).glob(".damaged-*"))
    assert numbers(bench.epochs(victim)) == numbers(bench.epochs(reference))
    assert bench.weights(victim) == bench.weights(reference)


def test_a_run_whose_workers_are_lost_without_progress_fails_and_those_behind_it_do_not(bench: Bench) -> None:
    poison = bench.submit(epochs=3, priority=10)
    healthy = [bench.submit(epochs=2) for _ in range(3)]
    for attempt in range(1, 4):
        with bench.database.writing() as session:
            claimed = queue.claim(session, worker="elsewhere:1", lease_seconds=-1.0, now=datetime.now(UTC))
        assert claimed is not None
        assert (claimed.experiment_id, claimed.attempt) == (poison, attempt)
        with bench.database.writing() as session:
            queue.release_expired(session, max_failures=3, now=datetime.now(UTC))
    bench.drain()
    failed = bench.get(poison)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert "3 attempts in a row made no progress" in failed.error.message
    assert {bench.get(each).state for each in healthy} == {State.COMPLETED}
