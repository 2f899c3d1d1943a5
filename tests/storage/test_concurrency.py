"""Several processes and threads at one database: nothing is taken twice, nothing is lost, nobody is turned away."""

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.domain.experiment import State
from service.errors import ConflictError, FencedError
from service.storage import Database, experiments, queue
from service.storage.tables import ExperimentRow
from tests.storage.conftest import NOW, PATIENCE_SECONDS, Bench, an_epoch, in_threads, wait_until

PROGRAM = Path(__file__).with_name("writer_process.py")
ROOT = Path(__file__).parents[2]


def in_processes(count: int, task: str, url: str, *arguments: str) -> list[str]:
    """Start `count` processes, let all begin at once, and wait for them; the lines that they printed."""
    command = [sys.executable, str(PROGRAM), task, url, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(count)
    ]
    lines: list[str] = []
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in started:
            output, errors = process.communicate(timeout=PATIENCE_SECONDS)
            assert (process.returncode, errors) == (0, "")
            lines += output.splitlines()
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return lines


def url_of(bench: Bench) -> str:
    """For another process."""
    return bench.database.url.render_as_string(hide_password=False)


def test_of_fifty_runs_each_is_claimed_exactly_once_by_several_processes(sqlite_bench: Bench) -> None:
    submitted = [sqlite_bench.submit(owner=f"student{number % 7}") for number in range(50)]
    taken = Counter(in_processes(2, "claim", url_of(sqlite_bench)))
    assert taken == Counter(f"{experiment_id} 1" for experiment_id in submitted)


def test_of_fifty_runs_each_is_claimed_exactly_once_over_several_connections(bench: Bench) -> None:
    submitted = [bench.submit() for _ in range(50)]
    taken: list[str] = []
    in_threads(*[lambda: taken.extend(bench.claim_all()) for _ in range(6)])
    assert sorted(taken) == sorted(submitted)


def compete(bench: Bench, *, processes: int, threads: int, times: int, pollers: int) -> int:
    """Each writer reads a number and stores the next, so many times, while others look on; how often those looked.

    What finds the database locked raises.
    """
    experiment_id = bench.submit()
    done = threading.Event()
    looks = Counter[int]()

    def poll() -> None:
        while not done.wait(0.001):
            bench.get(experiment_id)
            looks[threading.get_ident()] += 1

    def count() -> None:
        for _ in range(times):
            with bench.database.writing(durable=False) as session:
                row = session.scalars(sa.select(ExperimentRow)).one()
                row.epoch += 1

    def write() -> None:
        try:
            in_threads(*[count] * threads, lambda: in_processes(processes, "count", url_of(bench), str(times)))
        finally:
            done.set()

    in_threads(write, *[poll] * pollers)
    assert bench.get(experiment_id).progress.epoch == (processes + threads) * times, "updates were lost"
    return looks.total()


def test_no_update_is_lost_and_nobody_finds_the_database_locked(sqlite_bench: Bench) -> None:
    """Red where a writing transaction begins as a reading one, and where nobody waits for the lock."""
    assert compete(sqlite_bench, processes=2, threads=14, times=40, pollers=8) > 0


def test_a_lost_run_is_released_by_one_of_those_who_see_it(bench: Bench) -> None:
    for _ in range(10):
        bench.submit()
    while (run := bench.look_for_work()) is not None:
        bench.lose(run)
    released: list[str] = []
    in_threads(*[lambda: released.extend(bench.release()) for _ in range(4)])
    assert len(released) == 10
    assert set(bench.waiting()) == set(released)
    for run in (bench.claim() for _ in range(10)):
        bench.lose(run)
    bench.release(max_failures=3)
    assert len(bench.waiting()) == 10, "each attempt was counted once"


def test_a_cancel_and_the_end_of_a_run_leave_one_of_both(bench: Bench) -> None:
    for _ in range(8):
        bench.submit()
        run = bench.claim()
        outcomes: list[str] = []

        def cancel(experiment_id: str = run.experiment_id, outcomes: list[str] = outcomes) -> None:
            try:
                bench.cancel(experiment_id)
            except ConflictError:
                outcomes.append("too late to cancel")

        in_threads(cancel, lambda run=run: bench.finish(run))  # type: ignore[misc]  # a lambda's default has no type
        ended = bench.get(run.experiment_id)
        assert ended.state is State.COMPLETED
        assert len(outcomes) <= 1


@pytest.mark.postgres
def test_a_claim_does_not_wait_for_another(postgresql_bench: Bench) -> None:
    first, second = postgresql_bench.submit(), postgresql_bench.submit()
    with postgresql_bench.database.writing() as one, postgresql_bench.database.writing() as other:
        taken = [queue.claim(one, worker="box:1", lease_seconds=60.0, now=NOW)]
        other.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
        taken.append(queue.claim(other, worker="box:2", lease_seconds=60.0, now=NOW))
        assert queue.claim(other, worker="box:2", lease_seconds=60.0, now=NOW) is None
    assert [run.experiment_id for run in taken if run is not None] == [first, second]


@pytest.mark.postgres
def test_a_cancel_finds_a_run_that_is_given_back_at_that_moment(postgresql_bench: Bench) -> None:
    """The row is locked by who gives it back when the cancel arrives, which sees it as it was before and waits."""
    bench = postgresql_bench
    experiment_id = bench.submit()
    run = bench.claim()
    other = Bench(Database(url_of(bench)))
    answered: list[State] = []
    with bench.database.writing() as session:
        queue.give_back(session, run, now=NOW)
        thread = threading.Thread(target=lambda: answered.append(other.cancel(experiment_id).state))
        thread.start()
        wait_until(lambda: _waits_for_a_lock(bench))
    thread.join(PATIENCE_SECONDS)
    other.database.close()
    assert answered == [State.CANCELLED]
    assert bench.get(experiment_id).state is State.CANCELLED


@pytest.mark.postgres
def test_who_waits_for_a_lost_attempts_write_is_not_overtaken_by_it(postgresql_bench: Bench) -> None:
    """A guard that has the row in hand when the lease is found over keeps it: the release does nothing."""
    bench = postgresql_bench
    bench.submit()
    run = bench.claim()
    bench.lose(run)
    other = Bench(Database(url_of(bench)))
    released: list[list[str]] = []
    with bench.database.writing() as session:
        queue.guard(session, run, lease_seconds=60.0)
        thread = threading.Thread(target=lambda: released.append(other.release()))
        thread.start()
        wait_until(lambda: _waits_for_a_lock(bench))
    thread.join(PATIENCE_SECONDS)
    other.database.close()
    assert released == [[]]
    assert bench.get(run.experiment_id).state is State.RUNNING


def _waits_for_a_lock(bench: Bench) -> bool:
    with bench.database.engine.connect() as connection:
        waiting = sa.text(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.datname = current_database() "
            "JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND a.datid = d.oid"
        )
        return bool(connection.scalar(waiting))


def test_a_write_that_fails_leaves_nothing_of_it(bench: Bench) -> None:
    """Guard, epochs and checkpoint are one: fenced in between, none of it is stored."""
    bench.submit()
    run = bench.claim()
    bench.report(run, an_epoch(1))
    bench.finish(run)
    with pytest.raises(FencedError):
        bench.report(run, an_epoch(1, train_loss=9.0), an_epoch(2))
    assert bench.epochs(run.experiment_id) == (an_epoch(1),)


def test_writers_wait_for_each_other_and_readers_for_nobody(sqlite_bench: Bench) -> None:
    experiment_id = sqlite_bench.submit()
    done: list[str] = []
    with sqlite_bench.database.writing() as session:
        experiments.cancel(session, experiment_id, now=NOW)
        assert sqlite_bench.get(experiment_id).state is State.QUEUED
        waiting = threading.Thread(target=lambda: done.append(sqlite_bench.submit()))
        waiting.start()
        assert done == []
    waiting.join(PATIENCE_SECONDS)
    assert sqlite_bench.waiting() == tuple(done)


def test_a_row_that_a_client_is_told_of_is_on_the_disk(sqlite_bench: Bench) -> None:
    """`synchronous` is FULL (2) in a durable transaction and NORMAL (1) in one for figures."""
    for durable, level in ((True, 2), (False, 1), (True, 2)):
        with sqlite_bench.database.writing(durable=durable) as session:
            assert session.scalar(sa.text("PRAGMA synchronous")) == level
            assert session.scalar(sa.text("PRAGMA journal_mode")) == "wal"
            assert session.scalar(sa.text("PRAGMA foreign_keys")) == 1
            assert session.scalar(sa.text("PRAGMA busy_timeout")) == 30_000
