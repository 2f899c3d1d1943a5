"""Checkpoint rows: what `best`, `last` and an epoch's number mean, whatever a run keeps and however it ended."""

from typing import Any

import pytest

from service.domain.checkpoint import Checkpoint
from service.domain.experiment import State
from service.domain.run import Run
from service.errors import ConflictError, NotFoundError
from service.storage import checkpoints
from tests.storage.conftest import Bench, a_checkpoint, an_epoch

ACCURACIES = (0.5, 0.8, 0.9, 0.7, 0.9)


def trained(bench: Bench, *kept: int, **spec: Any) -> Run:
    """A run with five epochs, the third the best, and checkpoints of those that it keeps."""
    bench.submit(**spec)
    run = bench.claim()
    epochs = [an_epoch(n, val_accuracy=accuracy, val_loss=1.0) for n, accuracy in enumerate(ACCURACIES, start=1)]
    bench.report(run, *epochs, best_epoch=3)
    for epoch in kept:
        bench.report(run, checkpoint=a_checkpoint(run, epoch))
    return run


def names(bench: Bench, run: Run) -> dict[str, int]:
    """What can be asked for, and the epoch that it stands for."""
    with bench.database.reading() as session:
        listed = {item.name: item.epoch for item in checkpoints.listing(session, run.experiment_id).items}
        for name, epoch in listed.items():
            assert checkpoints.named(session, run.experiment_id, name).epoch == epoch
    return listed


def test_a_checkpoint_comes_back_as_it_was_published(bench: Bench) -> None:
    run = trained(bench)
    published = a_checkpoint(run, 3)
    bench.report(run, checkpoint=published)
    with bench.database.reading() as session:
        assert checkpoints.all_of(session, run.experiment_id) == (published,)
        (item, *_) = checkpoints.listing(session, run.experiment_id).items
    assert (item.bytes, item.sha256, item.created_at) == (3, f"{3:064d}", published.created_at)


def test_all_are_listed_best_and_last_first_then_the_newest(bench: Bench) -> None:
    run = trained(bench, 1, 2, 3, 4, 5)
    assert list(names(bench, run).items()) == [
        ("best", 3), ("last", 5), ("5", 5), ("4", 4), ("3", 3), ("2", 2), ("1", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("end", [None, State.COMPLETED, State.FAILED, State.CANCELLED])
def test_the_best_and_the_last_have_their_names_in_every_state(bench: Bench, end: State | None) -> None:
    run = trained(bench, 3, 5)
    if end is not None:
        bench.finish(run, end)
    assert names(bench, run) == {"best": 3, "last": 5, "5": 5, "3": 3}


@pytest.mark.parametrize("end", [None, State.FAILED, State.CANCELLED])
def test_of_a_run_that_is_not_complete_the_best_is_the_best_of_those_stored(bench: Bench, end: State | None) -> None:
    """Its best epoch was never published: the process was lost before."""
    run = trained(bench, 2, 4)
    if end is not None:
        bench.finish(run, end)
    assert names(bench, run) == {"best": 2, "last": 4, "4": 4, "2": 2}


def test_the_best_of_a_completed_run_is_its_best_epoch_or_none(bench: Bench) -> None:
    """Where only the last is kept, nothing else is passed off as the best."""
    run = trained(bench, 5, checkpoints={"keep": "last"})
    bench.finish(run)
    assert names(bench, run) == {"last": 5, "5": 5}
    with bench.database.reading() as session, pytest.raises(NotFoundError) as caught:
        checkpoints.named(session, run.experiment_id, "best")
    assert caught.value.message == f"experiment {run.experiment_id} has no checkpoint 'best'; there are: last, 5"


def test_a_run_that_is_continued_is_not_complete(bench: Bench) -> None:
    run = trained(bench, 3, 5)
    bench.finish(run)
    bench.continue_for(run.experiment_id, 3)
    again = bench.claim()
    bench.report(again, an_epoch(6, val_accuracy=1.0), checkpoint=a_checkpoint(again, 6))
    assert names(bench, run) == {"best": 6, "last": 6, "6": 6, "5": 5, "3": 3}


def test_until_there_is_one_a_checkpoint_is_a_conflict_with_the_state(bench: Bench) -> None:
    run = trained(bench)
    with bench.database.reading() as session:
        assert checkpoints.listing(session, run.experiment_id).items == ()
        for name in ("best", "last", "3"):
            with pytest.raises(ConflictError, match=f"{run.experiment_id} is running and has no checkpoint yet"):
                checkpoints.named(session, run.experiment_id, name)
        for call in (checkpoints.listing, lambda session, unknown: checkpoints.named(session, unknown, "best")):
            with pytest.raises(NotFoundError, match="there is no experiment 'x'"):
                call(session, "x")


@pytest.mark.parametrize("name", ["", "0", "9", "03", "-1", "Best", "best ", "../best", "9" * 400])
def test_a_name_that_is_none_is_answered_with_those_there_are(bench: Bench, name: str) -> None:
    run = trained(bench, 3, 5)
    with bench.database.reading() as session, pytest.raises(NotFoundError, match="there are: best, last, 5, 3"):
        checkpoints.named(session, run.experiment_id, name)


def test_an_epoch_that_is_published_again_has_one_row(bench: Bench) -> None:
    run = trained(bench, 3, 5)
    again = a_checkpoint(run, 5)
    bench.report(run, checkpoint=again)
    assert stored(bench, run)[0] == again
    assert [each.epoch for each in stored(bench, run)] == [5, 3]


def test_one_that_is_forgotten_is_gone_and_the_others_stay(bench: Bench) -> None:
    run = trained(bench, 3, 5)
    with bench.database.writing() as session:
        checkpoints.forget(session, stored(bench, run)[0])
    assert names(bench, run) == {"best": 3, "last": 3, "3": 3}


def stored(bench: Bench, run: Run) -> tuple[Checkpoint, ...]:
    """All rows."""
    with bench.database.reading() as session:
        return checkpoints.all_of(session, run.experiment_id)
