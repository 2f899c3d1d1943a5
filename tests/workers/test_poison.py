"""Runs that crash, hang, want too much memory or raise: each ends as failed and says why; those beside them go on."""

import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from service import failpoints
from service.domain.experiment import State
from service.domain.history import EventKind
from service.settings import Settings
from service.storage import history, queue
from tests import armed
from tests.workers.conftest import Bench
from tests.workers.test_peers import submit
from workers import failing
from workers.memory_kills import MemoryKills

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

POISON = {
    "crash": "it was killed; 1 attempts in a row made no progress",
    "hang": "it had not gone on for 2 seconds; 1 attempts in a row made no progress",
    "memory": "there was not enough memory (MemoryError)",
    "raise": "the fail-point epoch.batch was armed",
}
ARMED = "epoch.batch:kill#crash,epoch.batch:hang#hang,epoch.batch:memory#memory,epoch.batch:raise#raise"
TINY = {
    "dataset": {"name": "synthetic", "train_size": 200},
    "architecture": {"name": "mlp", "hidden": [8]},
    "epochs": 2,
}


@pytest.fixture
def armed_here() -> Iterator[None]:
    """What a test arms in this process is disarmed."""
    yield
    failpoints.arm("")


def _is_over(worker: "ForkServerProcess", all_ended: Callable[[], bool]) -> bool:
    return worker.exitcode is not None or all_ended()


def test_poison_runs_fail_with_the_reason_and_healthy_ones_behind_them_do_not(bench: Bench) -> None:
    """Red where a worker does not end itself when its run stalls: nothing behind that run is ever trained."""
    poison = {name: bench.submit(name=name, priority=place, **TINY) for place, name in enumerate(POISON, 1)}
    healthy = [bench.submit(seed=seed, **TINY) for seed in range(4)]
    settings = Settings(home=bench.home, max_failures=1, stall_seconds=2.0)

    def all_ended() -> bool:
        return all(bench.get(each).state.ended for each in (*poison.values(), *healthy))

    while not all_ended():
        with armed.worker(settings, ARMED) as worker:
            bench.wait_until(partial(_is_over, worker, all_ended))
            if worker.exitcode is not None:
                assert worker.exitcode == -signal.SIGKILL
                with bench.database.writing() as session:
                    queue.release_worker(
                        session, armed.name_of(worker), max_failures=1, now=datetime.now(UTC), why="it was killed"
                    )
    assert {bench.get(each).state for each in healthy} == {State.COMPLETED}
    for name, experiment_id in poison.items():
        failed = bench.get(experiment_id)
        assert (failed.state, failed.attempt) == (State.FAILED, 1)
        assert failed.error is not None
        assert failed.error.message == POISON[name]
        with bench.database.reading() as session:
            last = history.of(session, experiment_id).items[-1]
        assert (last.kind, last.reason) == (EventKind.FAILED, POISON[name])


@pytest.mark.usefixtures("armed_here")
def test_a_run_that_fails_beside_others_costs_them_nothing_but_time(bench: Bench) -> None:
    """Red where an error of the stack is taken for the fault of every run in it."""
    runs = [*submit(bench, 2), *submit(bench, 1, name="poison")]
    failpoints.arm("epoch.batch:raise@*#poison")
    bench.work()
    assert [bench.get(each).state for each in runs] == [State.COMPLETED, State.COMPLETED, State.FAILED]
    with bench.database.reading() as session:
        lost = [event.reason for event in history.of(session, runs[0]).items if event.kind is EventKind.LOST]
    assert lost == ["what it was trained beside failed (FailpointError: the fail-point epoch.batch was armed)"]


def test_an_error_that_is_for_want_of_memory_is_known_as_one() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60)
    assert failing.ran_out_of_memory(raised.value)
    assert failing.ran_out_of_memory(MemoryError())
    assert not failing.ran_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_what_the_kernel_killed_for_want_of_memory_is_told_from_other_kills(tmp_path: Path) -> None:
    file = tmp_path / "memory.events"
    file.write_text("low 0\noom 3\noom_kill 3\noom_group_kill 0\n")
    kills = MemoryKills([tmp_path / "not there", file])
    assert not kills.happened()
    file.write_text("low 0\noom 4\noom_kill 4\noom_group_kill 0\n")
    assert kills.happened()
    assert not MemoryKills([tmp_path / "not there"]).happened()
