"""The thread that keeps an evaluation a worker's own, and tells it to stop where it is not any more."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service import ids
from service.domain.evaluation import EvaluationJob, EvaluationRequest
from service.storage import checkpoints, evaluation_queue, evaluations, experiments, queue
from tests.storage.conftest import a_checkpoint
from tests.workers.conftest import Bench
from workers.heartbeat import Heartbeat, Interruption

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def job(bench: Bench) -> EvaluationJob:
    """Claimed, with a lease that is over already."""
    experiment_id = bench.submit()
    with bench.database.writing() as session:
        run = queue.claim(session, worker="other:1", lease_seconds=60.0, now=NOW)
        assert run is not None
        checkpoints.publish(session, a_checkpoint(run, 1))
        queue.give_back(session, run, now=NOW)
        request = EvaluationRequest(dataset="digits", checkpoint="last")
        evaluations.add(session, experiment_id, request, evaluation_id=ids.new(), owner=None, now=NOW)
        job = evaluation_queue.claim(session, worker="here:1", lease_seconds=-1.0, now=NOW)
    assert job is not None
    return job


@pytest.fixture
def draining() -> threading.Event:
    """Set where the worker is to end."""
    return threading.Event()


@pytest.fixture
def heartbeat(bench: Bench, draining: threading.Event) -> Iterator[Heartbeat]:
    """One that beats."""
    beating = Heartbeat(bench.database, worker="here:1", lease_seconds=60.0, draining=draining)
    beating.start()
    yield beating
    beating.stop()


def is_lost(bench: Bench) -> bool:
    """True where the lease is over."""
    with bench.database.reading() as session:
        return evaluation_queue.any_expired(session)


def test_the_lease_of_an_evaluation_is_renewed(bench: Bench, job: EvaluationJob, heartbeat: Heartbeat) -> None:
    assert is_lost(bench)
    watch = heartbeat.watch_evaluation(job)
    bench.wait_until(lambda: not is_lost(bench))
    assert not watch.interrupted()


def test_an_evaluation_that_is_deleted_is_to_stop(bench: Bench, job: EvaluationJob, heartbeat: Heartbeat) -> None:
    watch = heartbeat.watch_evaluation(job)
    with bench.database.writing() as session:
        experiments.delete(session, job.experiment_id)
    bench.wait_until(watch.interrupted)
    assert watch.interruption is Interruption.FENCED


def test_an_evaluation_is_to_stop_with_its_worker(
    bench: Bench, job: EvaluationJob, heartbeat: Heartbeat, draining: threading.Event
) -> None:
    watch = heartbeat.watch_evaluation(job)
    draining.set()
    bench.wait_until(watch.interrupted)
    assert watch.interruption is Interruption.DRAINING
