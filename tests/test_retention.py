"""What goes to make room, and what never does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service import checkpoints, evaluations, ids, retention
from service.domain.checkpoint import WEIGHTS
from service.domain.experiment import State
from service.domain.history import EventKind
from service.domain.retention import Policy
from service.domain.run import Run
from service.errors import ConflictError
from service.housekeeping import Housekeeping
from service.retention import Plan
from service.settings import Settings
from service.storage import checkpoints as checkpoint_rows
from service.storage import notes
from tests.cli.conftest import until
from tests.kept_home import Home, a_home
from tests.storage.conftest import an_epoch
from tests.test_checkpoints import write

NOW = datetime.now(UTC)
TOMORROW = NOW + timedelta(days=1.5)
MONTH = Policy(keep_days=30)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """With nothing in it yet."""
    with a_home(tmp_path / "home") as home:
        yield home


def ended(home: Home, *, days_ago: float, name: str = "x", tags: tuple[str, ...] = ()) -> Run:
    """So long ago."""
    return home.ended(at=NOW - timedelta(days=days_ago), name=name, tags=tags)


def plan(home: Home, policy: Policy, *, now: datetime = NOW) -> Plan:
    """What would go."""
    return retention.plan(home.database, home.root, policy, now=now)


def make_room(home: Home, policy: Policy, *, now: datetime = NOW) -> Plan:
    """Let it go."""
    return retention.carry_out(home.database, home.root, plan(home, policy, now=now), now=now)


def having_weights(home: Home) -> set[str]:
    """The ids of experiments that can be predicted from, whose files must be there."""
    home.read_all()
    return named_with_weights(home)


def named_with_weights(home: Home) -> set[str]:
    """The same by the rows alone, which are changed before the files: to ask while somebody makes room."""
    with home.database.reading() as session:
        page = [each for each in home.rows()["experiments"] if checkpoint_rows.all_of(session, each["id"])]
    return {each["id"] for each in page}


def write_note(home: Home, run: Run) -> None:
    """Somebody's word."""
    with home.database.writing() as session:
        notes.add(session, run.experiment_id, note_id=ids.new(), author=None, text="keep", now=NOW)


def test_weights_go_with_age_and_what_was_learnt_from_them_stays(home: Home) -> None:
    old, new = ended(home, days_ago=31), ended(home, days_ago=29)
    before = home.bench.get(old.experiment_id)
    planned = plan(home, MONTH)
    assert having_weights(home) == {old.experiment_id, new.experiment_id}
    assert [each.experiment_id for each in planned.runs] == [old.experiment_id]
    assert planned.bytes == sum(len(content) for name, content in home.files().items() if old.experiment_id in name)
    assert make_room(home, MONTH) == planned
    assert having_weights(home) == {new.experiment_id}
    assert not (home.root / old.experiment_id).exists()
    assert home.bench.get(old.experiment_id) == before
    assert home.bench.epochs(old.experiment_id) == (an_epoch(1),)
    told = home.bench.history(old.experiment_id).items[-1]
    assert (told.kind, told.at, told.reason) == (EventKind.WEIGHTS_REMOVED, NOW, "to make room on the disk")
    assert home.bench.history(new.experiment_id).items[-1].kind is EventKind.COMPLETED
    with home.database.reading() as session, pytest.raises(ConflictError, match="removed to make room; reproduce it"):
        checkpoint_rows.named(session, old.experiment_id, "best")
    assert make_room(home, MONTH) == Plan((), ())


def test_what_somebody_holds_or_works_on_never_goes(home: Home) -> None:
    """Each of these alone, with the condition that names it left out of `_FREE`, went."""
    noted, named, evaluated, unheld = (ended(home, days_ago=1000, tags=("lab", "xlab:tp")) for _ in range(4))
    ended(home, days_ago=1000, name="lab", tags=("lab:tp", "lab:tp:linear"))
    write_note(home, noted)
    home.name_model(named, "reader")
    with home.database.writing() as session:
        evaluations.submit_for_the_end(session, [(evaluated.experiment_id, "digits")], owner=None, now=NOW)
    again = ended(home, days_ago=1000, name="again")
    home.bench.continue_for(again.experiment_id, 5)
    running = home.bench.claim()
    assert running.experiment_id == again.experiment_id
    waiting = ended(home, days_ago=1000, name="waiting")
    home.bench.continue_for(waiting.experiment_id, 5)
    held = having_weights(home) - {unheld.experiment_id}
    before = {name: content for name, content in home.files().items() if unheld.experiment_id not in name}
    assert len(held) == 6
    for policy in (MONTH, Policy(keep_bytes=0)):
        assert {each.experiment_id for each in plan(home, policy).runs} == {unheld.experiment_id}
    make_room(home, Policy(keep_days=0.5, keep_bytes=0))
    assert (having_weights(home), home.files()) == (held, before)


def test_as_many_go_as_are_too_many_those_that_ended_first(home: Home) -> None:
    runs = {days: ended(home, days_ago=days) for days in (2, 5, 3, 4)}
    each = plan(home, Policy(keep_bytes=0)).bytes // 4
    make_room(home, Policy(keep_bytes=3 * each))
    assert having_weights(home) == {runs[days].experiment_id for days in (2, 3, 4)}
    make_room(home, Policy(keep_bytes=2 * each - 1))
    assert having_weights(home) == {runs[2].experiment_id}


def test_who_takes_a_run_up_between_plan_and_removal_keeps_its_weights(home: Home) -> None:
    """Without the second look, in the statement that frees them, both lost theirs."""
    noted, continued, free = (ended(home, days_ago=40) for _ in range(3))
    planned = plan(home, MONTH)
    assert len(planned.runs) == 3
    write_note(home, noted)
    home.bench.continue_for(continued.experiment_id, 5)
    gone = retention.carry_out(home.database, home.root, planned, now=NOW)
    assert [each.experiment_id for each in gone.runs] == [free.experiment_id]
    assert having_weights(home) == {noted.experiment_id, continued.experiment_id}


def test_what_no_row_names_goes_after_a_day_and_what_is_not_ours_never(home: Home) -> None:
    run = ended(home, days_ago=0)
    home.name_model(run, "reader")
    kept = home.files()
    unpublished, damaged = (write(home.root, experiment_id=run.experiment_id, epoch=epoch) for epoch in (2, 3))
    checkpoints.quarantine(home.root, damaged)
    deleted = write(home.root, experiment_id=ids.new())
    for name in (
        f".restoring-{ids.new()}",
        f"models/reader/.part-{ids.new()}",
        f"{run.experiment_id}/.part-{ids.new()}",
    ):
        (home.root / name).mkdir()
        (home.root / name / WEIGHTS).write_bytes(b"half")
    strange = ("lost+found/x", f"{run.experiment_id}/mine", "models/notes.txt", "README")
    for name in strange:
        path = home.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"somebody's")
    everything = home.files()
    assert make_room(home, MONTH) == Plan((), ())
    assert home.files() == everything
    gone = make_room(home, MONTH, now=TOMORROW)
    assert home.files() == kept | dict.fromkeys(strange, b"somebody's")
    assert gone.bytes == sum(map(len, everything.values())) - sum(map(len, home.files().values()))
    assert len(gone.leftovers) == 6
    assert not (home.root / unpublished.folder).exists()
    assert not (home.root / deleted.experiment_id).exists()


def test_another_databases_artifacts_are_not_swept(home: Home, tmp_path: Path) -> None:
    """As one would with the wrong ARDOISE_HOME: without the check, all of it was removed."""
    ended(home, days_ago=0)
    before = home.files()
    with a_home(tmp_path / "other") as other, pytest.raises(ConflictError, match="is it the right one"):
        retention.plan(other.database, home.root, MONTH, now=TOMORROW)
    assert home.files() == before


def test_a_service_makes_room_by_itself_where_that_is_set(home: Home) -> None:
    old = ended(home, days_ago=31)
    nothing_set = Housekeeping(home.settings, first=0.0)
    nothing_set.start()
    nothing_set.end()
    assert having_weights(home) == {old.experiment_id}
    busy = Housekeeping(Settings(home=home.settings.home, keep_days=30), first=0.0, every=0.01)
    busy.start()
    try:
        until(lambda: not named_with_weights(home), what="room")
    finally:
        busy.end()
    assert having_weights(home) == set()
    assert home.bench.get(old.experiment_id).state is State.COMPLETED
