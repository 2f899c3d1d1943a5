"""Rows of weights that may go, on both databases; what becomes of the files is in `tests/test_retention.py`."""

from datetime import UTC, datetime

from service import ids
from service.domain.experiment import State
from service.storage import artifacts, notes, restored, retention
from service.storage import checkpoints as checkpoint_rows
from tests.storage.conftest import NOW, Bench, a_checkpoint, an_epoch


def test_of_ended_runs_those_that_nobody_holds_lose_their_checkpoints_and_nothing_else(bench: Bench) -> None:
    runs = []
    for number in range(3):
        bench.submit(name=f"run {number}", tags=["lab:tp"] if number == 2 else [])
        runs.append(bench.claim())
        bench.report(runs[-1], an_epoch(1), checkpoint=a_checkpoint(runs[-1], 1))
        bench.finish(runs[-1])
    free, noted, of_a_lab = (run.experiment_id for run in runs)
    with bench.database.writing() as session:
        notes.add(session, noted, note_id=ids.new(), author=None, text="keep", now=NOW)
    with bench.database.reading() as session:
        (only,) = retention.expendable(session)
        assert (only.experiment_id, only.name, only.bytes) == (free, "run 0", 2)
        assert retention.total_bytes(session) == 6
        assert retention.known_experiments(session) == {free, noted, of_a_lab}
    for each in (free, noted, of_a_lab):
        with bench.database.writing() as session:
            gone = retention.forget_weights(session, each, ended_by=NOW, now=NOW)
        assert len(gone) == (each == free)
    with bench.database.reading() as session:
        assert checkpoint_rows.all_of(session, free) == ()
        assert {each.experiment_id for each in artifacts.named(session)} == {noted, of_a_lab}
    assert bench.epochs(free) == (an_epoch(1),)


def test_what_a_backup_says_is_running_waits_again_without_a_failure_and_what_was_cancelled_ends(bench: Bench) -> None:
    going, asked = bench.submit(), bench.submit()
    for _ in range(2):
        bench.claim()
    bench.cancel(asked)
    with bench.database.writing() as session:
        restored.settle(session, now=datetime.now(UTC))
    assert (bench.get(going).state, bench.get(going).attempt, bench.get(going).worker) == (State.QUEUED, 1, None)
    assert (bench.get(asked).state, bench.get(asked).finished_at is None) == (State.CANCELLED, False)
    again = bench.claim()
    assert (again.experiment_id, again.attempt, again.failures) == (going, 2, 0)
