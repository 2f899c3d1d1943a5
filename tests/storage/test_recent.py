"""Experiments that are kept because they were read: never other than their rows."""

from service.domain.experiment import Experiment
from service.storage import Session, experiments, listing, queue
from service.storage.listing import Filters, Sort
from tests.storage.conftest import Bench


def listed(bench: Bench) -> list[Experiment]:
    """The list as a reader gets it."""
    with bench.database.reading() as session:
        return [*listing.page(session, Filters(), sort=Sort.CREATED_AT, limit=200, cursor=None).items]


def read(bench: Bench, experiment_id: str) -> Experiment:
    """One as it is in the database, which keeps none."""
    with bench.database.reading() as session:
        return experiments.get(session, experiment_id)


def test_every_change_is_seen_in_a_list_that_was_read_before(bench: Bench) -> None:
    ids = [bench.submit(), bench.submit(), bench.submit()]

    def same() -> bool:
        return listed(bench) == [read(bench, each) for each in ids]

    assert same()
    run = bench.claim()
    assert same()
    bench.report(run, epoch=1, last_val_loss=0.5)
    assert same()
    bench.finish(run, test_accuracy=0.5)
    assert same()
    with bench.database.writing() as session:
        experiments.cancel(session, ids[1], now=read(bench, ids[1]).created_at)
    assert same()
    with bench.database.writing() as session:
        experiments.continue_for(session, ids[0], epochs=1, limit=100, now=read(bench, ids[0]).created_at)
    assert same()
    with bench.database.writing() as session:
        experiments.delete(session, ids[1])
    assert [each.id for each in listed(bench)] == [ids[0], ids[2]]


def test_what_a_writer_saw_and_undid_is_not_kept(bench: Bench) -> None:
    own = bench.submit()
    run = bench.claim()

    def told(session: Session, loss: float) -> float | None:
        queue.guard(session, run, lease_seconds=60, epoch=1, last_val_loss=loss)
        page = listing.page(session, Filters(), sort=Sort.CREATED_AT, limit=200, cursor=None)
        last = page.items[0].last
        return last.val_loss if last else None

    with bench.database.writing() as session:
        assert told(session, 0.25) == 0.25
        session.rollback()
    with bench.database.writing() as session:
        assert told(session, 0.5) == 0.5
    assert listed(bench) == [read(bench, own)]
