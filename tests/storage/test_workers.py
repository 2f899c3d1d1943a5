"""The register of workers: who is there, by the database's clock."""

from service.domain.experiment import State
from service.domain.run import WorkerFacts
from service.storage import queue, workers
from tests.storage.conftest import LEASE, NOW, Bench


def register(bench: Bench, worker: str, *, lease_seconds: float = 60.0) -> None:
    """A worker is ready."""
    with bench.database.writing() as session:
        workers.register(session, worker, lease_seconds=lease_seconds, now=NOW, facts={"threads": 2})


def listed(bench: Bench) -> tuple[WorkerFacts, ...]:
    """All rows."""
    with bench.database.reading() as session:
        found = workers.listing(session).items
        assert workers.any_alive(session) is any(each.alive for each in found)
    return found


def test_nobody_is_there_at_first(bench: Bench) -> None:
    assert listed(bench) == ()


def test_a_worker_is_there_with_its_facts_until_it_leaves(bench: Bench) -> None:
    register(bench, "box:1")
    (worker,) = listed(bench)
    assert worker == WorkerFacts(
        id="box:1", alive=True, started_at=NOW, experiment_id=None, experiment_ids=(), facts={"threads": 2}
    )
    with bench.database.writing() as session:
        workers.leave(session, "box:1")
    assert listed(bench) == ()


def test_a_worker_is_listed_with_the_run_that_is_its_own(bench: Bench) -> None:
    register(bench, "box:1")
    register(bench, "box:2")
    experiment_id = bench.submit()
    with bench.database.writing() as session:
        run = queue.claim(session, worker="box:1", lease_seconds=60.0, now=NOW)
    assert run is not None
    assert {each.id: each.experiment_id for each in listed(bench)} == {"box:1": experiment_id, "box:2": None}
    with bench.database.writing() as session:
        queue.finish(session, run, State.COMPLETED, now=NOW)
    assert {each.experiment_id for each in listed(bench)} == {None}


def test_a_worker_with_several_runs_is_listed_once(bench: Bench) -> None:
    with bench.database.writing() as session:
        workers.register(session, "box:1", lease_seconds=LEASE, now=NOW, facts={})
    runs = sorted(bench.submit(seed=seed) for seed in range(3))
    for _ in runs:
        bench.claim(worker="box:1")
    (worker,) = listed(bench)
    assert worker.experiment_ids == tuple(runs)
    assert worker.experiment_id == runs[0]


def test_a_worker_that_is_not_heard_of_is_not_alive_until_it_is(bench: Bench) -> None:
    register(bench, "box:1", lease_seconds=-1.0)
    assert not listed(bench)[0].alive
    with bench.database.writing() as session:
        workers.renew(session, "box:1", lease_seconds=60.0)
    assert listed(bench)[0].alive


def test_the_living_come_first(bench: Bench) -> None:
    register(bench, "silent:1", lease_seconds=-1)
    register(bench, "box:1")
    assert [(each.id, each.alive) for each in listed(bench)] == [("box:1", True), ("silent:1", False)]


def test_a_worker_that_begins_again_under_its_name_has_one_row(bench: Bench) -> None:
    register(bench, "box:1", lease_seconds=-1)
    register(bench, "box:1")
    (worker,) = listed(bench)
    assert worker.alive


def test_the_long_silent_are_forgotten(bench: Bench) -> None:
    register(bench, "old:1", lease_seconds=-workers.REMEMBERED_SECONDS - 1)
    register(bench, "recent:1", lease_seconds=-workers.REMEMBERED_SECONDS + 60)
    register(bench, "box:1")
    assert {each.id for each in listed(bench)} == {"recent:1", "box:1"}


def test_a_worker_that_nobody_knows_renews_nothing(bench: Bench) -> None:
    with bench.database.writing() as session:
        workers.renew(session, "box:1", lease_seconds=60)
    assert listed(bench) == ()
