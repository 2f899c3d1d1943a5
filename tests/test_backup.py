"""Backups of a home that is in use, and what comes out of them: everything that a row names, or a clear no."""

import errno
import hashlib
import os
import random
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service import backup, restoring
from service.backup import Backup
from service.domain.checkpoint import WEIGHTS
from service.domain.experiment import State
from service.errors import ArdoiseError, ConflictError, NotFoundError
from service.restoring import Restored
from service.storage import Database, copies, migrations
from tests.kept_home import Home, a_home
from tests.storage.conftest import an_epoch

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SEEDS = 20


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Two runs that have ended, one of them with a name, and one that runs."""
    with a_home(tmp_path / "home") as home:
        home.name_model(home.ended(name="first", tags=["a"]), "reader")
        home.ended(name="second", state=State.CANCELLED)
        home.publish(home.begin(name="third"), 3)
        yield home


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Home]:
    """A home in which there is nothing."""
    with a_home(tmp_path / "elsewhere", migrated=False) as home:
        yield home


def back_up(home: Home, file: Path) -> Backup:
    """Without a bar."""
    return backup.write(home.database, home.root, file, progress=lambda *_: None)


def restore(home: Home, file: Path, *, force: bool = False) -> Restored:
    """Without a bar; nobody else has the database open, this process neither."""
    home.database.close()
    return restoring.restore(home.database, home.root, file, force=force, now=NOW, progress=lambda *_: None)


def what_waits_again(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The rows as they are once they have been restored: what ran waits, and no worker is there."""
    freed = {"state": State.QUEUED, "worker": None, "lease_expires_at": None}
    experiments = [
        each | freed | {"revision": each["revision"] + 1} if each["state"] == State.RUNNING else each
        for each in rows["experiments"]
    ]
    return rows | {"experiments": experiments, "workers": []}


def test_what_rows_name_is_backed_up_and_comes_back_as_it_was(home: Home, elsewhere: Home, tmp_path: Path) -> None:
    (home.root / "no-row" / "names-this").mkdir(parents=True)
    (home.root / "no-row" / "names-this" / WEIGHTS).write_bytes(b"never published")
    expected = {name: content for name, content in home.files().items() if not name.startswith("no-row")}
    made = back_up(home, tmp_path / "backup.tar")
    assert (made.checkpoints, made.damaged, made.bytes) == (4, (), (tmp_path / "backup.tar").stat().st_size)
    assert restore(elsewhere, tmp_path / "backup.tar") == Restored(checkpoints=4, damaged=())
    assert elsewhere.rows() == what_waits_again(home.rows())
    assert elsewhere.files() == expected
    assert elsewhere.read_all() == 4
    assert {each.name for each in tmp_path.iterdir()} == {"home", "elsewhere", "backup.tar"}


def test_a_backup_is_a_tar_file_with_sums_that_other_programs_can_check(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup.tar")
    assert (tmp_path / "backup.tar").stat().st_mode & 0o777 == 0o600
    with tarfile.open(tmp_path / "backup.tar") as tar:
        contents = {each.name: (tar.extractfile(each) or pytest.fail(each.name)).read() for each in tar}
    *_, last = contents
    lines = contents.pop("SHA256SUMS").decode().splitlines()
    assert last == "SHA256SUMS"
    assert sorted(lines) == sorted(f"{hashlib.sha256(each).hexdigest()}  {name}" for name, each in contents.items())


def test_what_is_superseded_while_the_backup_is_written_is_caught_in_its_next_form(
    home: Home, elsewhere: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three times, between the copy of the database and the copies of the files.

    With one round only, the run's checkpoint was missing.
    """
    run = home.begin(name="busy")
    stored = [home.publish(run, 1)]
    copy = copies.copy

    def copied(database: Database, path: Path) -> None:
        copy(database, path)
        if len(stored) <= 3:
            stored.append(home.publish(run, len(stored) + 1, supersedes=stored[-1]))

    monkeypatch.setattr(copies, "copy", copied)
    made = back_up(home, tmp_path / "backup.tar")
    assert (made.checkpoints, made.damaged) == (5, ())
    restore(elsewhere, tmp_path / "backup.tar")
    assert elsewhere.bench.get(run.experiment_id).progress.epoch == 4
    assert elsewhere.read_all() == 5


def test_what_is_damaged_already_is_left_out_and_said(home: Home, elsewhere: Home, tmp_path: Path) -> None:
    run = home.begin(name="unlucky")
    sound, damaged, gone = (home.publish(run, epoch) for epoch in (1, 2, 3))
    path = home.root / damaged.folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (home.root / gone.folder / WEIGHTS).unlink()
    made = back_up(home, tmp_path / "backup.tar")
    assert made.checkpoints == 5
    assert [each.partition(" of ")[0] for each in made.damaged] == ["epoch 3", "epoch 2"]
    assert restore(elsewhere, tmp_path / "backup.tar").damaged == made.damaged
    assert (elsewhere.root / sound.folder / WEIGHTS).exists()
    assert not (elsewhere.root / damaged.folder).exists()


def flip(content: bytearray, chance: random.Random) -> None:
    """One bit."""
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def cut(content: bytearray, chance: random.Random) -> None:
    """Its end is missing."""
    del content[chance.randrange(len(content)) :]


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_backup_that_was_damaged_restores_what_was_backed_up_or_nothing(
    home: Home, tmp_path: Path, damage: Callable[[bytearray, random.Random], None]
) -> None:
    """Bits of the padding between two files, and of their dates, mean nothing.

    Without the sums, nearly all flipped bits were restored.
    """
    back_up(home, tmp_path / "backup.tar")
    sound, rows, files = (tmp_path / "backup.tar").read_bytes(), what_waits_again(home.rows()), home.files()
    refused = 0
    for seed in range(SEEDS):
        content = bytearray(sound)
        damage(content, random.Random(seed))
        (tmp_path / "damaged.tar").write_bytes(content)
        with a_home(tmp_path / f"elsewhere{seed}", migrated=False) as elsewhere:
            try:
                restore(elsewhere, tmp_path / "damaged.tar")
            except ArdoiseError:
                refused += 1
                assert elsewhere.files() == {}
                assert not Path(str(elsewhere.database.url.database)).exists()
            else:
                assert (elsewhere.rows(), elsewhere.files()) == (rows, files)
    assert refused > SEEDS * 0.8


def test_a_home_with_something_in_it_is_replaced_only_by_force(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup.tar")
    rows, files = home.rows(), home.files()
    later = home.ended(name="later")
    changed = (home.rows(), home.files())
    with pytest.raises(ConflictError, match="hold experiments already"):
        restore(home, tmp_path / "backup.tar")
    assert (home.rows(), home.files()) == changed
    restore(home, tmp_path / "backup.tar", force=True)
    assert (home.rows(), home.files()) == (what_waits_again(rows), files)
    assert not (home.root / later.experiment_id).exists()


def test_nothing_is_restored_while_somebody_has_the_database_open(home: Home, tmp_path: Path) -> None:
    """A connection that does nothing is enough, as a service that nobody asks has.

    Without the exclusive lock, the service went on with rows of before and files of after.
    """
    back_up(home, tmp_path / "backup.tar")
    other = Database(home.settings.database)
    with other.reading() as session:
        session.execute(sa.text("SELECT 1"))
    before = (home.rows(), home.files())
    with pytest.raises(ConflictError, match="is in use: end `ardoise serve`"):
        restore(home, tmp_path / "backup.tar", force=True)
    assert (home.rows(), home.files()) == before
    other.close()
    restore(home, tmp_path / "backup.tar", force=True)


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_restoration_that_fails_anywhere_leaves_all_as_it_was(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The N-th call of the disk fails, for N = 1, 2, 3... until the restoration succeeds.

    Without the way back of `_moved`, checkpoints that are in both were lost.
    """
    back_up(home, tmp_path / "backup.tar")
    home.publish(home.begin(name="later"), 1)
    before = (home.rows(), home.files())
    works: Callable[..., Any] = getattr(os, call)
    for failing in range(1, 100):
        calls = iter(range(1, 1000))

        def fails_once(*arguments: Any, calls: Any = calls, failing: int = failing, **more: Any) -> Any:
            if next(calls) == failing:
                raise OSError(errno.ENOSPC, "No space left on device")
            return works(*arguments, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fails_once)
            try:
                restore(home, tmp_path / "backup.tar", force=True)
            except ArdoiseError as error:
                said = error.message
            else:
                break
        assert "No space left" in said
        assert (home.rows(), home.files()) == before, f"call {failing} of {call}"
    assert failing > 1, "none failed"
    assert home.read_all() == 4


def test_a_backup_that_fails_leaves_the_one_before_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup.tar"
    back_up(home, file)
    before = file.read_bytes()
    home.ended(name="later")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ArdoiseError, match="cannot be written: No space left on device"):
            back_up(home, file)
    assert file.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"home", "backup.tar"}


def test_a_backup_of_an_earlier_version_is_brought_forward_and_of_a_later_one_refused(
    home: Home, elsewhere: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = home.begin(name="fourth")
    home.bench.report(ran, an_epoch(1))
    migrations.downgrade(home.database, "0005")
    with monkeypatch.context() as patch:  # as the version that knew no more would have written it
        patch.setattr(migrations, "ensure_current", lambda _database: None)
        back_up(home, tmp_path / "backup.tar")
    restore(elsewhere, tmp_path / "backup.tar")
    assert elsewhere.bench.epochs(ran.experiment_id) == (an_epoch(1),)
    assert elsewhere.bench.get(ran.experiment_id).state is State.QUEUED
    with home.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "ensure_current", lambda _database: None)
        back_up(home, tmp_path / "later.tar")
    with pytest.raises(ConflictError, match="revision 9999, which only a newer version"):
        restore(elsewhere, tmp_path / "later.tar", force=True)


def test_what_cannot_be_backed_up_is_said(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match=r"the database is postgresql.*pg_dump"):
        backup.write(
            Database("postgresql+psycopg://nobody@localhost/none"), home.root, tmp_path / "b", progress=lambda *_: None
        )
    with pytest.raises(NotFoundError, match=r"there is no database at .*ARDOISE_HOME"):
        backup.write(
            Database(f"sqlite:///{tmp_path}/wrong/ardoise.db"), home.root, tmp_path / "b", progress=lambda *_: None
        )
    (tmp_path / "no.tar").write_bytes(b"no backup" * 1000)
    for wrong in ("no.tar", "nothing.tar"):
        with pytest.raises(ArdoiseError, match=wrong):
            restore(home, tmp_path / wrong, force=True)
    assert home.read_all() == 4
