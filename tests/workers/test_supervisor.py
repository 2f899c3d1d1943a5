"""How the supervisor starts its workers, and how it ends those that do not answer."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.domain.experiment import State
from service.domain.history import EventKind
from service.settings import Settings
from service.storage import history, workers
from tests import armed
from tests.workers.conftest import Bench
from workers import supervisor
from workers.supervisor import NICENESS, Slot

ENDLESS = {"architecture": "cnn", "epochs": 10_000}


def last_event(bench: Bench, experiment_id: str) -> tuple[EventKind, str | None]:
    """What happened to a run last, and why."""
    with bench.database.reading() as session:
        event = history.of(session, experiment_id).items[-1]
    return event.kind, event.reason


def test_all_threads_of_a_worker_give_way_to_the_api(shared: Bench) -> None:
    def there() -> list[int]:
        with shared.database.reading() as session:
            return [int(each.id.rpartition(":")[2]) for each in workers.listing(session).items if each.alive]

    shared.wait_until(lambda: bool(there()))
    (worker,) = there()
    tasks = Path(f"/proc/{worker}/task")  # on Linux each thread has a niceness of its own
    threads = [int(each.name) for each in tasks.iterdir()] if tasks.is_dir() else [worker]
    expected = min(os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19)
    assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {expected}


def test_a_worker_that_gives_no_sign_of_life_is_killed_and_another_takes_its_place(bench: Bench) -> None:
    """It is the only one, and its lease is long. Red where the supervisor waits for a worker's end alone."""
    victim = bench.submit(**ENDLESS)
    bench.start("--count", "1", ARDOISE_STALL_SECONDS="4", ARDOISE_LEASE_SECONDS="600")
    bench.wait_until(lambda: bench.get(victim).progress.epoch >= 1)
    before = bench.get(victim)
    assert before.worker is not None
    os.kill(int(before.worker.rpartition(":")[2]), signal.SIGSTOP)
    bench.wait_until(lambda: bench.get(victim).progress.epoch > before.progress.epoch)
    after = bench.get(victim)
    assert (after.attempt, after.worker == before.worker) == (2, False)
    with bench.database.reading() as session:
        lost = [each.reason for each in history.of(session, victim).items if each.kind is EventKind.LOST]
    assert lost == ["its worker gave no sign of life and was killed"]


def test_a_worker_that_does_not_stop_is_killed_which_is_no_failure_of_its_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red where it is waited for as long as it likes, and where the attempt counts."""
    monkeypatch.setattr(supervisor, "DRAIN_SECONDS", 0.2)
    settings = Settings(home=bench.home, max_failures=1)
    victim = bench.submit(**ENDLESS)
    slot = Slot(0)
    with armed.worker(settings, "epoch.batch:hang") as slot.process:
        bench.wait_until(lambda: bench.get(victim).state is State.RUNNING)
        supervisor.stop_all([slot], settings, bench.database)
        assert slot.process.exitcode == -signal.SIGKILL
    assert bench.get(victim).state is State.QUEUED
    assert last_event(bench, victim) == (EventKind.LOST, "its worker ended by SIGKILL")


def test_sigterm_in_the_middle_of_an_epoch_does_not_wait_for_its_end(bench: Bench) -> None:
    """Of that epoch nothing is kept. Red where a run is asked between two epochs only: its worker is killed then."""
    victim = bench.submit(architecture="mnist_example", batch_size=1)
    tree = bench.start("--count", "1")
    bench.wait_until(lambda: bench.get(victim).progress.fraction > 0)
    tree.terminate()
    assert tree.wait(timeout=60) == 0
    found = bench.get(victim)
    assert (found.state, found.progress.epoch, bench.epochs(victim)) == (State.QUEUED, 0, ())
    assert last_event(bench, victim) == (EventKind.GIVEN_BACK, None)


def test_who_is_just_being_started_ends_at_once(bench: Bench) -> None:
    """Before it is ready it has claimed nothing, and before its first signal handler it dies of SIGTERM."""
    tree = bench.start("--count", "2")
    tree.terminate()
    assert tree.wait(timeout=60) in {0, -signal.SIGTERM}


def test_a_process_that_hangs_when_its_parent_is_gone_ends() -> None:
    """Red where the parent's end is only told, to somebody who does not listen."""
    code = (
        "import threading, time; from workers import ending; "
        "ending.follow_parent(threading.Event(), lifeline=0, patience=0.1); time.sleep(3600)"
    )
    ended = subprocess.run([sys.executable, "-c", code], stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
