"""The clock jumps by hours and years, both ways: a run is neither one worker's for ever nor two workers' at once."""

import pytest

from service import ids
from service.domain.evaluation import EvaluationRequest
from service.domain.experiment import State
from service.errors import FencedError
from service.storage import evaluation_queue, evaluations, workers
from tests.storage.conftest import LEASE, NOW, Bench, a_checkpoint, an_epoch

HOUR, YEAR = 3600.0, 365.0 * 86400
JUMPS = [0.8 * LEASE, -0.8 * LEASE, -1.5 * LEASE, 3 * HOUR, -3 * HOUR, 10 * YEAR, -10 * YEAR]


@pytest.mark.parametrize("seconds", JUMPS)
def test_what_is_lost_goes_on_within_two_leases(bench: Bench, seconds: float) -> None:
    """Red where a lease is over by its end alone: set back by years, the clock kept a lost run running for years."""
    experiment_id = bench.submit()
    run = bench.claim()
    bench.report(run, an_epoch(1), checkpoint=a_checkpoint(run, 1))
    with bench.database.writing() as session:
        workers.register(session, "box:1", lease_seconds=LEASE, now=NOW, facts={})
        request = EvaluationRequest(dataset="digits", checkpoint="1")
        evaluations.add(session, experiment_id, request, evaluation_id=ids.new(), owner=None, now=NOW)
        job = evaluation_queue.claim(session, worker="box:1", lease_seconds=LEASE, now=NOW)
    assert job is not None
    bench.jump(seconds)
    released: list[str] = []
    alive = []
    for passed in (0.0, 2 * LEASE):
        bench.jump(passed)
        released += bench.release()
        with bench.database.writing() as session:
            released += evaluation_queue.release_expired(session, max_failures=3, now=NOW)
            alive.append(workers.any_alive(session))
    assert sorted(released) == sorted([experiment_id, job.evaluation_id])
    assert bench.claim().attempt == 2
    assert not all(alive)


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_worker_that_goes_on_keeps_its_run_or_writes_nothing_more(bench: Bench, seconds: float) -> None:
    experiment_id = bench.submit()
    run = bench.claim()
    bench.jump(seconds)
    bench.report(run, an_epoch(1))
    assert bench.release() == []
    bench.jump(seconds)
    if bench.release() == [experiment_id]:
        other = bench.claim(worker="box:2")
        with pytest.raises(FencedError):
            bench.report(run, an_epoch(2))
        run = other
    bench.report(run, an_epoch(2))
    bench.finish(run)
    assert bench.get(experiment_id).state is State.COMPLETED
    assert len(bench.epochs(experiment_id)) == 2


def test_a_lease_that_was_granted_before_its_length_was_noted_ends_at_its_end(bench: Bench) -> None:
    """By an earlier version: a database is brought up to date while a run goes on."""
    experiment_id = bench.submit()
    bench.claim()
    with bench.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE experiments SET lease_seconds = NULL")
    assert bench.release() == []
    bench.jump(2 * LEASE)
    assert bench.release() == [experiment_id]
