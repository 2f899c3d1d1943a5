"""Epoch rows: as they were stored, replaced by a later attempt's, cut where a run ends."""

from typing import Any

import pytest

from service.domain.run import Run
from service.errors import NotFoundError
from service.storage import metrics
from tests.storage.conftest import Bench, an_epoch


def _submitted(bench: Bench, **spec: Any) -> Run:
    bench.submit(**spec)
    return bench.claim()


def test_an_epoch_comes_back_to_the_bit(bench: Bench) -> None:
    run = _submitted(bench)
    epoch = an_epoch(1, train_loss=0.1 + 0.2, val_loss=5e-324, learning_rate=1 / 3)
    bench.report(run, epoch)
    assert bench.epochs(run.experiment_id) == (epoch,)


def test_the_epochs_of_several_are_read_together_as_those_of_each(bench: Bench) -> None:
    runs = [_submitted(bench) for _ in range(3)]
    for run, count in zip(runs, (2, 0, 3), strict=True):
        bench.report(run, *(an_epoch(1 + number) for number in range(count)))
    wanted = [run.experiment_id for run in runs]
    with bench.database.reading() as session:
        found = metrics.epochs_of_each(session, wanted)
    assert {each: tuple(rows) for each, rows in found.items()} == {each: bench.epochs(each) for each in wanted}


def test_figures_that_were_not_finite_stay_null(bench: Bench) -> None:
    run = _submitted(bench)
    epoch = an_epoch(1, train_loss=None, train_accuracy=None, val_loss=None, val_accuracy=None)
    bench.report(run, epoch)
    assert bench.epochs(run.experiment_id) == (epoch,)


def test_an_epoch_that_is_gone_through_again_replaces_the_first(bench: Bench) -> None:
    run = _submitted(bench)
    bench.report(run, an_epoch(1), an_epoch(2), an_epoch(3))
    again = an_epoch(2, train_loss=7.0, epoch_seconds=9.0)
    bench.report(run, again, an_epoch(3), an_epoch(4))
    assert [each.epoch for each in bench.epochs(run.experiment_id)] == [1, 2, 3, 4]
    assert bench.epochs(run.experiment_id)[1] == again


def test_epochs_are_read_from_one_to_another(bench: Bench) -> None:
    run = _submitted(bench)
    bench.report(run, *[an_epoch(number) for number in range(1, 11)])
    with bench.database.reading() as session:
        found = metrics.epochs(session, run.experiment_id, after=3, up_to=7)
    assert [each.epoch for each in found] == [4, 5, 6, 7]


def test_the_longest_run_can_be_stored_at_once(bench: Bench) -> None:
    run = _submitted(bench, epochs=10_000)
    bench.report(run, *[an_epoch(number) for number in range(1, 10_001)])
    assert len(bench.epochs(run.experiment_id)) == 10_000


def test_nothing_to_store_is_no_error(bench: Bench) -> None:
    run = _submitted(bench)
    bench.report(run)
    assert bench.epochs(run.experiment_id) == ()


def test_later_epochs_are_removed_of_this_run_alone(bench: Bench) -> None:
    run, other = _submitted(bench), _submitted(bench)
    for each in (run, other):
        bench.report(each, an_epoch(1), an_epoch(2), an_epoch(3))
    with bench.database.writing() as session:
        metrics.truncate(session, run.experiment_id, after=1)
    assert [each.epoch for each in bench.epochs(run.experiment_id)] == [1]
    assert len(bench.epochs(other.experiment_id)) == 3


def test_an_experiment_that_is_deleted_takes_its_epochs_along(bench: Bench) -> None:
    run = _submitted(bench)
    bench.report(run, an_epoch(1))
    bench.finish(run)
    bench.delete(run.experiment_id)
    assert bench.epochs(run.experiment_id) == ()
    with pytest.raises(NotFoundError):
        bench.get(run.experiment_id)
