"""What has happened to a run, as it is stored with what happened."""

import pytest

from service.domain.experiment import State
from service.domain.history import EventKind as Kind
from service.errors import NotFoundError
from service.storage import history, queue
from tests.storage.conftest import NOW, Bench, a_checkpoint, an_epoch


def told(bench: Bench, experiment_id: str) -> list[tuple[Kind, int, str | None]]:
    """Kind, attempt and what else there is to say of each event."""
    items = bench.history(experiment_id).items
    assert [each.number for each in items] == list(range(1, len(items) + 1))
    return [(each.kind, each.attempt, each.worker or each.by or each.reason) for each in items]


def test_the_whole_life_of_a_run_is_told(bench: Bench) -> None:
    experiment_id = bench.submit(owner="ana")
    run = bench.claim(worker="box:1")
    bench.report(run, an_epoch(1), checkpoint=a_checkpoint(run, 1))
    bench.lose(run)
    bench.release()
    bench.give_back(bench.claim(worker="box:2"))
    bench.finish(bench.claim(worker="box:3"))
    bench.continue_for(experiment_id, 5)
    bench.claim(worker="box:4")
    bench.cancel(experiment_id)
    with bench.database.writing() as session:
        queue.release_worker(session, "box:4", max_failures=3, now=NOW, why="its worker ended by SIGKILL")
    assert told(bench, experiment_id) == [
        (Kind.QUEUED, 0, "ana"),
        (Kind.CLAIMED, 1, "box:1"),
        (Kind.LOST, 1, "its worker was not heard of within the lease"),
        (Kind.CLAIMED, 2, "box:2"),
        (Kind.GIVEN_BACK, 2, None),
        (Kind.CLAIMED, 3, "box:3"),
        (Kind.COMPLETED, 3, None),
        (Kind.CONTINUED, 3, None),
        (Kind.CLAIMED, 4, "box:4"),
        (Kind.CANCEL_REQUESTED, 4, None),
        (Kind.LOST, 4, "its worker ended by SIGKILL"),
        (Kind.CANCELLED, 4, None),
    ]
    found = bench.history(experiment_id)
    assert (found.state, found.left_out) == (State.CANCELLED, 0)
    assert {each.at for each in found.items[1:]} == {NOW}
    assert found.items[7].epoch == 1


def test_why_a_run_failed_is_told(bench: Bench) -> None:
    bench.submit()
    by_itself = bench.claim()
    bench.finish(by_itself, State.FAILED, error={"type": "E", "message": "a \0 and a \udc80"})
    assert told(bench, by_itself.experiment_id)[-1] == (Kind.FAILED, 1, "a \\x00 and a \\udc80")
    bench.submit()
    lost = bench.claim()
    bench.lose(lost)
    bench.release(max_failures=1)
    assert told(bench, lost.experiment_id)[-2:] == [
        (Kind.LOST, 1, "its worker was not heard of within the lease"),
        (Kind.FAILED, 1, "its worker was not heard of within the lease; 1 attempts in a row made no progress"),
    ]


def test_what_is_undone_has_not_happened(bench: Bench) -> None:
    """Red where an event is stored in a transaction of its own."""
    experiment_id = bench.submit()

    def claim_and_fail() -> None:
        with bench.database.writing() as session:
            queue.claim(session, worker="box:1", lease_seconds=60.0, now=NOW)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        claim_and_fail()
    assert told(bench, experiment_id) == [(Kind.QUEUED, 0, None)]


def test_of_many_events_the_first_and_the_newest_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 10)
    monkeypatch.setattr(history, "FIRST", 3)
    experiment_id, other = bench.submit(priority=1), bench.submit()
    for _ in range(10):
        bench.give_back(bench.claim())
    found = bench.history(experiment_id)
    assert [each.number for each in found.items] == [1, 2, 3, *range(15, 22)]
    assert found.left_out == 11
    assert len(bench.history(other).items) == 1


def test_it_goes_with_the_run(bench: Bench) -> None:
    experiment_id = bench.submit()
    bench.delete(experiment_id)
    with pytest.raises(NotFoundError):
        bench.history(experiment_id)
    with bench.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM history").scalar() == 0
