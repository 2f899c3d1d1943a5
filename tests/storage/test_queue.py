"""The queue: whose turn it is, who owns a run, and what becomes of one that is lost."""

from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from service.domain.experiment import State
from service.errors import FencedError
from service.storage import experiments, queue
from tests.storage.conftest import LEASE, NOW, Bench, a_checkpoint, an_epoch


def owners_in_order(bench: Bench) -> list[str | None]:
    """Claims everything."""
    return [bench.get(experiment_id).owner for experiment_id in bench.claim_all()]


def test_an_empty_queue_gives_nothing(bench: Bench) -> None:
    assert bench.look_for_work() is None
    with bench.database.reading() as session:
        assert queue.anything_waiting(session) is False
        assert queue.any_expired(session) is False
        assert queue.running_workers(session) == set()


def test_a_claim_gives_all_that_a_worker_needs(bench: Bench) -> None:
    experiment_id = bench.submit(seed=7, epochs=3)
    with bench.database.reading() as session:
        assert queue.anything_waiting(session) is True
    run = bench.claim(worker="box:42")
    claimed = bench.get(experiment_id)
    assert (run.experiment_id, run.attempt, run.spec, run.parameters) == (experiment_id, 1, claimed.spec, 1007)
    assert (run.epoch, run.continued_from, run.reproduces, run.environment) == (0, 0, None, None)
    assert (claimed.state, claimed.worker, claimed.attempt) == (State.RUNNING, "box:42", 1)
    assert (claimed.started_at, claimed.queue_position) == (NOW, None)
    assert bench.look_for_work() is None
    with bench.database.reading() as session:
        assert queue.anything_waiting(session) is False
        assert queue.running_workers(session) == {"box:42"}
        assert queue.facts(session).model_dump() == {
            "queued": 0,
            "running": 1,
            "evaluations": 0,
            "waiting": (),
            "active": (experiment_id,),
            "held_up": None,
        }


def test_one_owners_runs_are_taken_in_the_order_in_which_they_came(bench: Bench) -> None:
    submitted = [bench.submit(owner="ana") for _ in range(5)]
    assert bench.waiting() == tuple(submitted)
    assert bench.claim_all() == submitted


def test_a_higher_priority_is_taken_first(bench: Bench) -> None:
    by_priority = {priority: bench.submit(priority=priority) for priority in (0, -100, 100, 7)}
    assert bench.claim_all() == [by_priority[each] for each in (100, 7, 0, -100)]


def test_thirty_owners_take_turns(bench: Bench) -> None:
    """However many runs each submits at once: everyone's n-th comes before anyone's next."""
    owners = [f"student{number}" for number in range(30)]
    for owner in owners:
        for _ in range(3):
            bench.submit(owner=owner)
    taken = owners_in_order(bench)
    for nth in range(3):
        assert taken[30 * nth : 30 * (nth + 1)] == owners


def test_runs_without_an_owner_count_as_one_owners(bench: Bench) -> None:
    for owner in (None, None, None, "ana", "ana"):
        bench.submit(owner=owner)
    assert owners_in_order(bench) == [None, "ana", None, "ana", None]


def test_a_newcomer_joins_the_present_round(bench: Bench) -> None:
    """Neither before all that was promised to others, nor behind all that they have waiting."""
    for owner in ("ana", "bob"):
        for _ in range(6):
            bench.submit(owner=owner)
    for _ in range(6):
        bench.finish(bench.claim())
    bench.claim()
    for _ in range(3):
        bench.submit(owner="new")
    assert owners_in_order(bench) == ["bob", "new", "ana", "bob", "new", "ana", "bob", "new"]


def test_an_urgent_run_does_not_move_its_owner_or_others_back(bench: Bench) -> None:
    """Turns are taken among runs of one priority: a run that overtakes the queue says nothing about the round."""
    for _ in range(5):
        bench.submit(owner="ana")
    bench.submit(owner="ana", priority=10)
    urgent = bench.claim()
    assert urgent.spec.priority == 10
    bench.submit(owner="bob")
    bench.submit(owner="ana")
    assert owners_in_order(bench) == ["ana", "bob", "ana", "ana", "ana", "ana", "ana"]


@pytest.mark.parametrize("who", ["new", "slow"])
def test_an_endless_run_gives_nobody_a_head_start(bench: Bench, who: str) -> None:
    """The round is that of the newest start, not that of a run which began long ago; not for its own owner either."""
    bench.submit(owner="slow")
    bench.claim()
    for _ in range(6):
        bench.submit(owner="ana")
    for _ in range(4):
        bench.finish(bench.claim())
    for _ in range(3):
        bench.submit(owner=who)
    assert owners_in_order(bench) == [who, "ana", who, "ana", who]


def test_a_lost_run_keeps_its_turn(bench: Bench) -> None:
    submitted = [bench.submit(owner="ana") for _ in range(3)]
    bench.lose(bench.claim())
    assert bench.release() == submitted[:1]
    assert bench.waiting() == tuple(submitted)


Write = Callable[[Bench], object]


def test_nothing_that_an_earlier_attempt_writes_is_stored(bench: Bench) -> None:
    """A worker that was stopped past its lease and wakes up again writes no row."""
    experiment_id = bench.submit()
    sleeper = bench.claim(worker="box:1")
    bench.report(sleeper, an_epoch(1))
    bench.lose(sleeper)
    assert bench.release() == [experiment_id]
    owner = bench.claim(worker="box:2")
    assert (sleeper.attempt, owner.attempt) == (1, 2)
    before = bench.get(experiment_id)
    writes: tuple[Write, ...] = (
        lambda bench: bench.report(sleeper, an_epoch(1, train_loss=99.0), an_epoch(2)),
        lambda bench: bench.report(sleeper, checkpoint=a_checkpoint(sleeper, 2)),
        lambda bench: bench.finish(sleeper, State.COMPLETED, test_accuracy=1.0),
        lambda bench: bench.finish(sleeper, State.FAILED, error={"type": "E", "message": ""}),
    )
    for write in writes:
        with pytest.raises(FencedError, match=f"attempt 1 of experiment {experiment_id} is over"):
            write(bench)
    with pytest.raises(FencedError), bench.database.reading() as session:
        queue.cancel_requested(session, sleeper)
    bench.give_back(sleeper)
    assert bench.get(experiment_id) == before
    assert bench.epochs(experiment_id) == (an_epoch(1),)
    bench.report(owner, an_epoch(1), an_epoch(2))
    bench.finish(owner)


@pytest.mark.parametrize("end", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_a_run_that_has_ended_is_not_written_to(bench: Bench, end: State) -> None:
    bench.submit()
    run = bench.claim()
    bench.finish(run, end)
    before = bench.get(run.experiment_id)
    for write in (lambda: bench.report(run, an_epoch(1)), lambda: bench.finish(run, State.FAILED)):
        with pytest.raises(FencedError):
            write()
    bench.give_back(run)
    assert bench.release() == []
    assert bench.get(run.experiment_id) == before


def test_a_run_that_waits_again_is_not_written_to(bench: Bench) -> None:
    bench.submit()
    run = bench.claim()
    bench.lose(run)
    bench.release()
    with pytest.raises(FencedError):
        bench.report(run, an_epoch(1))
    assert bench.epochs(run.experiment_id) == ()


def test_a_lease_that_is_renewed_is_not_released(bench: Bench) -> None:
    bench.submit()
    run = bench.claim(lease_seconds=-1)
    with bench.database.reading() as session:
        assert queue.any_expired(session) is True
    bench.report(run)
    with bench.database.reading() as session:
        assert queue.any_expired(session) is False
    assert bench.release() == []
    assert bench.get(run.experiment_id).state is State.RUNNING


def test_a_lost_run_waits_again_with_what_it_has_done(bench: Bench) -> None:
    bench.submit()
    run = bench.claim()
    bench.report(run, an_epoch(1), an_epoch(2), checkpoint=a_checkpoint(run, 2), environment={"torch": "2"})
    bench.lose(run)
    assert bench.release() == [run.experiment_id]
    waiting = bench.get(run.experiment_id)
    assert (waiting.state, waiting.queue_position, waiting.attempt) == (State.QUEUED, 1, 1)
    assert (waiting.finished_at, waiting.error) == (None, None)
    again = bench.claim()
    assert (again.attempt, again.epoch, again.environment) == (2, 2, {"torch": "2"})
    assert bench.get(run.experiment_id).started_at == waiting.started_at


def test_after_attempts_without_progress_a_run_fails_and_says_why(bench: Bench) -> None:
    bench.submit()
    for attempt in (1, 2, 3):
        run = bench.claim()
        bench.report(run, an_epoch(attempt))
        bench.lose(run)
        bench.release(max_failures=3)
        assert bench.get(run.experiment_id).state is (State.FAILED if attempt == 3 else State.QUEUED)
    failed = bench.get(run.experiment_id)
    assert failed.error is not None
    assert failed.error.type == "WorkerLost"
    assert failed.error.message == (
        "its worker was not heard of within the lease; 3 attempts in a row made no progress"
    )
    assert failed.finished_at == NOW
    assert bench.look_for_work() is None


def test_attempts_that_made_progress_are_not_counted(bench: Bench) -> None:
    bench.submit()
    for attempt in range(1, 11):
        run = bench.claim()
        if attempt % 3 == 0:
            bench.report(run, an_epoch(attempt), checkpoint=a_checkpoint(run, attempt))
        bench.lose(run)
        bench.release(max_failures=3)
    assert bench.get(run.experiment_id).state is State.QUEUED


def test_a_poison_run_does_not_hold_up_the_others(bench: Bench) -> None:
    poison = bench.submit()
    healthy = [bench.submit() for _ in range(10)]
    attempts: Counter[str] = Counter()
    while (run := bench.look_for_work()) is not None:
        attempts[run.experiment_id] += 1
        if run.experiment_id == poison:
            bench.lose(run)
            bench.release(max_failures=3)
        else:
            bench.finish(run)
    assert attempts == {poison: 3} | dict.fromkeys(healthy, 1)
    assert bench.get(poison).state is State.FAILED
    assert {bench.get(each).state for each in healthy} == {State.COMPLETED}


def test_a_lost_run_that_was_to_be_cancelled_is(bench: Bench) -> None:
    bench.submit()
    for lost in (1, 2, 3):
        run = bench.claim()
        if lost == 3:  # its budget is spent as well: it was asked for first
            bench.cancel(run.experiment_id)
        bench.lose(run)
        bench.release(max_failures=3)
    ended = bench.get(run.experiment_id)
    assert (ended.state, ended.error, ended.finished_at) == (State.CANCELLED, None, NOW)


def test_only_the_runs_of_a_worker_that_ended_are_released(bench: Bench) -> None:
    submitted = [bench.submit() for _ in range(3)]
    for worker in ("box:1", "box:2", "box:1"):
        bench.claim(worker=worker)
    with bench.database.writing() as session:
        released = queue.release_worker(session, "box:1", max_failures=1, now=NOW, why="its process was killed by KILL")
    assert sorted(released) == sorted([submitted[0], submitted[2]])
    assert bench.get(submitted[1]).state is State.RUNNING
    error = bench.get(submitted[0]).error
    assert error is not None
    assert error.message == "its process was killed by KILL; 1 attempts in a row made no progress"


def test_a_run_that_is_given_back_waits_without_a_failure(bench: Bench) -> None:
    experiment_id = bench.submit()
    for _ in range(5):
        bench.give_back(bench.claim())
    waiting = bench.get(experiment_id)
    assert (waiting.state, waiting.worker, waiting.queue_position) == (State.QUEUED, None, 1)
    bench.lose(bench.claim())
    bench.release(max_failures=2)
    assert bench.get(experiment_id).state is State.QUEUED


def test_a_worker_that_was_stopped_on_purpose_is_no_failure_of_its_run(bench: Bench) -> None:
    """However often: a batch may last for longer than a service that ends will wait."""
    experiment_id = bench.submit()
    for _ in range(5):
        bench.claim()
        with bench.database.writing() as session:
            queue.release_worker(session, "box:1", max_failures=2, now=NOW, why="it was stopped", blameless=True)
    bench.lose(bench.claim())
    bench.release(max_failures=2)
    assert bench.get(experiment_id).state is State.QUEUED


def test_a_run_that_is_given_back_after_a_cancel_has_ended(bench: Bench) -> None:
    """There may be no other worker to notice what was asked for."""
    experiment_id = bench.submit()
    run = bench.claim()
    bench.cancel(experiment_id)
    bench.give_back(run)
    ended = bench.get(experiment_id)
    assert ended.state is State.CANCELLED
    assert ended.finished_at is not None
    assert bench.look_for_work() is None


def test_a_cancel_reaches_the_worker_with_its_next_write_or_look(bench: Bench) -> None:
    bench.submit()
    run = bench.claim()
    with bench.database.reading() as session:
        assert queue.cancel_requested(session, run) is False
    assert bench.report(run, an_epoch(1)) is False
    bench.cancel(run.experiment_id)
    with bench.database.reading() as session:
        assert queue.cancel_requested(session, run) is True
    assert bench.report(run, an_epoch(2)) is True


def test_leases_are_compared_by_the_databases_clock(bench: Bench) -> None:
    """What time it is here plays no part: runs are claimed with a time of years ago, and none is released."""
    bench.submit()
    bench.claim(lease_seconds=LEASE)
    with bench.database.writing() as session:
        assert queue.release_expired(session, max_failures=3, now=NOW.replace(year=2099)) == []


def test_a_lease_lasts_as_long_as_it_says(bench: Bench) -> None:
    bench.submit()
    bench.claim(lease_seconds=1000.0)
    clock = "julianday('now') * 86400.0 - 210866760000.0" if bench.database.is_sqlite else "EXTRACT(EPOCH FROM now())"
    with bench.database.reading() as session:
        left = session.scalar(sa.text(f"SELECT lease_expires_at - ({clock}) FROM experiments"))  # noqa: S608  # our own text
    assert left is not None
    assert 900 < float(left) <= 1000.1


def test_what_is_listed_is_bounded_but_counted_in_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "LISTED", 3)
    for _ in range(5):
        bench.submit()
    with bench.database.reading() as session:
        facts = queue.facts(session)
        assert (facts.queued, len(facts.waiting)) == (5, 3)
        assert experiments.get(session, facts.waiting[-1]).queue_position == 3
