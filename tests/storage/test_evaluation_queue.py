"""Evaluations wait, are claimed, lost and ended, each step in a transaction of its own, on both databases."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count

import pytest

from service import ids
from service.domain.confusion import ClassScores
from service.domain.dataset import Framing
from service.domain.evaluation import (
    Adaptation,
    Evaluation,
    EvaluationJob,
    EvaluationRequest,
    EvaluationResult,
    Reframing,
)
from service.domain.experiment import Failure, State
from service.errors import ConflictError, FencedError, NotFoundError
from service.storage import evaluation_queue, evaluations, experiments, queue
from tests.storage.conftest import LEASE, NOW, Bench, a_checkpoint, an_epoch, in_threads

RESULT = EvaluationResult(
    loss=0.5,
    accuracy=0.75,
    labels=("0", "1"),
    confusion=((2, 0), (1, 1)),
    per_class=(
        ClassScores(label="0", support=2, predicted=3, precision=2 / 3, recall=1.0, f1=0.8),
        ClassScores(label="1", support=2, predicted=1, precision=1.0, recall=0.5, f1=2 / 3),
    ),
    preprocessing=Adaptation(
        images=4, native_size=8, image_size=16, framing=Reframing.RECORDED, target=Framing(box=16, centre="box"),
        target_size=16, framed_anew=3, mean=0.25, std=0.5,
    ),
)  # fmt: skip
_moments = (NOW + timedelta(seconds=number) for number in count())


@dataclass
class Evaluating:
    """Does to evaluations of one experiment what the API and workers do."""

    bench: Bench
    experiment_id: str

    def ask(self, *, owner: str | None = None, **request: str) -> str:
        """Queue one; its id."""
        body = EvaluationRequest.model_validate({"dataset": "digits"} | request)
        with self.bench.database.writing() as session:
            return evaluations.add(
                session, self.experiment_id, body, evaluation_id=ids.new(), owner=owner, now=next(_moments)
            ).id

    def ask_for_the_end(self, *datasets: str) -> None:
        """Queue one on each data set, for when the run has ended."""
        wanted = [(ids.new(), self.experiment_id, dataset) for dataset in datasets]
        with self.bench.database.writing() as session:
            evaluations.add_for_the_end(session, wanted, owner=None, now=next(_moments))

    def look(self, *, lease_seconds: float = LEASE, worker: str = "box:1") -> EvaluationJob | None:
        """Claim, if anything waits."""
        with self.bench.database.writing() as session:
            return evaluation_queue.claim(session, worker=worker, lease_seconds=lease_seconds, now=NOW)

    def claim(self, *, lease_seconds: float = LEASE, worker: str = "box:1") -> EvaluationJob:
        """Claim what must be waiting."""
        job = self.look(lease_seconds=lease_seconds, worker=worker)
        assert job is not None
        return job

    def complete(self, job: EvaluationJob, *, epoch: int = 1) -> None:
        """Store the result."""
        with self.bench.database.writing() as session:
            evaluation_queue.complete(session, job, RESULT, epoch=epoch, now=NOW)

    def release(self) -> list[str]:
        """Take all whose lease is over; their ids."""
        with self.bench.database.writing() as session:
            return evaluation_queue.release_expired(session, max_failures=2, now=NOW)

    def get(self, evaluation_id: str) -> Evaluation:
        """As it is now."""
        with self.bench.database.reading() as session:
            return evaluations.get(session, self.experiment_id, evaluation_id)

    def revision(self) -> int:
        """How often readers of the experiment were told of news."""
        with self.bench.database.reading() as session:
            return experiments.revisions(session, [self.experiment_id])[self.experiment_id]


@pytest.mark.parametrize("end", [State.COMPLETED, State.FAILED, State.CANCELLED])
def test_one_for_the_end_is_taken_once_its_run_has_ended_however_that_is(bench: Bench, end: State) -> None:
    evaluating = Evaluating(bench, bench.submit())
    evaluating.ask_for_the_end("digits", "usps")

    def waits() -> bool:
        with bench.database.reading() as session:
            cheaply = evaluation_queue.anything_waiting(session)
        assert cheaply is (evaluating.look() is not None)
        return not cheaply

    assert waits()
    run = bench.claim()
    assert waits()
    with bench.database.reading() as session:
        assert queue.facts(session).evaluations == 2
        newest, first = evaluations.listing(session, evaluating.experiment_id, limit=9).items
    assert (first.checkpoint.name, first.checkpoint.epoch, first.state) == ("best", None, State.QUEUED)
    bench.finish(run, end)
    taken = evaluating.claim()
    assert (taken.evaluation_id, taken.dataset, taken.checkpoint) == (first.id, "digits", "best")
    evaluating.complete(taken, epoch=3)
    assert evaluating.get(first.id).checkpoint.epoch == 3
    assert evaluating.claim().evaluation_id == newest.id


@pytest.fixture
def evaluating(bench: Bench) -> Evaluating:
    """A completed experiment with a checkpoint."""
    experiment_id = bench.submit()
    run = bench.claim()
    bench.report(run, an_epoch(1), checkpoint=a_checkpoint(run, 1), best_epoch=1)
    bench.finish(run, test_accuracy=0.9, test_loss=0.3)
    return Evaluating(bench, experiment_id)


def test_one_that_is_asked_for_waits_and_is_claimed_once_with_all_that_a_worker_needs(evaluating: Evaluating) -> None:
    asked = evaluating.ask(framing="none")
    with evaluating.bench.database.reading() as session:
        assert queue.facts(session).evaluations == 1
    assert evaluating.get(asked).state is State.QUEUED
    assert evaluating.claim(worker="box:7") == EvaluationJob(
        evaluation_id=asked, attempt=1, experiment_id=evaluating.experiment_id, checkpoint="best", dataset="digits",
        framing=Reframing.NONE,
    )  # fmt: skip
    running = evaluating.get(asked)
    assert (running.state, running.worker, running.started_at) == (State.RUNNING, "box:7", NOW)
    assert evaluating.look() is None


def test_of_many_each_is_claimed_exactly_once_by_several_at_once(evaluating: Evaluating) -> None:
    asked = {evaluating.ask() for _ in range(12)}
    taken: list[str] = []

    def claim_all() -> None:
        while (job := evaluating.look()) is not None:
            taken.append(job.evaluation_id)

    in_threads(*[claim_all] * 4)
    assert sorted(taken) == sorted(asked)


def test_owners_take_turns(evaluating: Evaluating) -> None:
    busy = [evaluating.ask(owner="ana") for _ in range(3)]
    other = evaluating.ask(owner="bea")
    taken = [evaluating.claim().evaluation_id for _ in range(4)]
    assert taken == [busy[0], other, busy[1], busy[2]]


def test_a_result_is_stored_with_the_epoch_that_was_evaluated_and_readers_are_told(evaluating: Evaluating) -> None:
    asked, before = evaluating.ask(), evaluating.revision()
    evaluating.complete(evaluating.claim(), epoch=7)
    done = evaluating.get(asked)
    assert (done.state, done.accuracy, done.loss, done.confusion) == (State.COMPLETED, 0.75, 0.5, ((2, 0), (1, 1)))
    assert done.per_class == RESULT.per_class
    assert (done.checkpoint.epoch, done.preprocessing, done.finished_at) == (7, RESULT.preprocessing, NOW)
    assert evaluating.revision() > before


def test_a_failure_is_stored_with_its_reason_and_readers_are_told(evaluating: Evaluating) -> None:
    asked, before = evaluating.ask(), evaluating.revision()
    with evaluating.bench.database.writing() as session:
        job = evaluation_queue.claim(session, worker="box:1", lease_seconds=LEASE, now=NOW)
        assert job is not None
        evaluation_queue.fail(session, job, Failure(type="Trouble", message="much"), now=NOW)
    failed = evaluating.get(asked)
    assert (failed.state, failed.error) == (State.FAILED, Failure(type="Trouble", message="much"))
    assert evaluating.revision() > before


def test_one_that_was_lost_is_another_attempt_s_and_the_first_writes_nothing_more(evaluating: Evaluating) -> None:
    asked = evaluating.ask()
    first = evaluating.claim(lease_seconds=-1.0)
    assert evaluating.release() == [asked]
    second = evaluating.claim()
    assert second.attempt == 2
    with pytest.raises(FencedError):
        evaluating.complete(first)
    with pytest.raises(FencedError), evaluating.bench.database.writing() as session:
        evaluation_queue.renew(session, first, lease_seconds=LEASE)
    assert evaluating.get(asked).state is State.RUNNING
    evaluating.complete(second)
    assert evaluating.get(asked).state is State.COMPLETED


def test_a_lease_that_is_renewed_is_not_over(evaluating: Evaluating) -> None:
    evaluating.ask()
    job = evaluating.claim(lease_seconds=-1.0)
    with evaluating.bench.database.writing() as session:
        assert evaluation_queue.any_expired(session)
        evaluation_queue.renew(session, job, lease_seconds=LEASE)
        assert not evaluation_queue.any_expired(session)
    assert evaluating.release() == []


def test_what_is_lost_again_and_again_fails_and_readers_are_told(evaluating: Evaluating) -> None:
    asked = evaluating.ask()
    for _ in range(2):
        evaluating.claim(lease_seconds=-1.0)
        before = evaluating.revision()
        evaluating.release()
    failed = evaluating.get(asked)
    assert (failed.state, failed.finished_at) == (State.FAILED, NOW)
    assert failed.error is not None
    assert failed.error.message == "its worker was not heard of within the lease; 2 attempts were lost"
    assert evaluating.revision() > before
    assert evaluating.look() is None


def test_what_a_worker_was_at_that_ended_waits_again_and_nobody_else_s_does(evaluating: Evaluating) -> None:
    lost, kept = evaluating.ask(), evaluating.ask()
    evaluating.claim(worker="box:1")
    evaluating.claim(worker="box:2")
    with evaluating.bench.database.writing() as session:
        assert evaluation_queue.running_workers(session) == {"box:1", "box:2"}
        assert evaluation_queue.release_worker(session, "box:1", max_failures=3, now=NOW, why="it ended") == [lost]
    assert (evaluating.get(lost).state, evaluating.get(kept).state) == (State.QUEUED, State.RUNNING)


def test_one_that_is_given_back_is_no_failure(evaluating: Evaluating) -> None:
    asked = evaluating.ask()
    for _ in range(5):
        job = evaluating.claim()
        with evaluating.bench.database.writing() as session:
            evaluation_queue.give_back(session, job)
    assert evaluating.get(asked).state is State.QUEUED
    assert evaluating.claim().attempt == 6


def test_they_go_with_their_experiment_whatever_their_state(evaluating: Evaluating) -> None:
    evaluating.ask()
    job = evaluating.claim()
    waiting = evaluating.ask()
    evaluating.bench.delete(evaluating.experiment_id)
    assert evaluating.look() is None
    with pytest.raises(FencedError):
        evaluating.complete(job)
    with pytest.raises(NotFoundError, match="no experiment"):
        evaluating.get(waiting)


def test_none_is_stored_where_there_is_no_checkpoint_or_none_of_that_name(evaluating: Evaluating) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint '5'"):
        evaluating.ask(checkpoint="5")
    waiting = Evaluating(evaluating.bench, evaluating.bench.submit())
    with pytest.raises(ConflictError, match="is queued and has no checkpoint yet"):
        waiting.ask()


def test_the_table_shows_the_newest_completed_one_and_else_what_becomes_of_it(evaluating: Evaluating) -> None:
    def row() -> list[tuple[str | None, float | None, str | None]]:
        with evaluating.bench.database.reading() as session:
            table = evaluations.table(session, [evaluating.experiment_id], framing=Reframing.RECORDED)
        assert table.datasets == ("synthetic", "digits")
        return [cell and (cell.source, cell.accuracy, cell.evaluation_id) for cell in table.rows[0].cells]  # type: ignore[misc]

    own = ("test", 0.9, None)
    first = evaluating.ask()
    assert row() == [own, ("evaluation", None, first)]
    evaluating.complete(evaluating.claim())
    evaluating.ask(framing="none")
    evaluating.complete(evaluating.claim())
    later = evaluating.ask()
    assert row() == [own, ("evaluation", 0.75, first)]
    evaluating.complete(evaluating.claim())
    assert row() == [own, ("evaluation", 0.75, later)]
