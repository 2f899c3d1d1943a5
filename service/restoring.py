"""A backup put back: what `service/backup.py` wrote becomes a database and its artifacts again.

All is read and held against its SHA-256 before anything is changed. Then the files of checkpoints are moved in, whose
names are their own whatever lies beside them, and last the database is replaced in one transaction: until then all is
as it was, and from then on all is restored. Nobody else can have the database open meanwhile.
"""

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from service import ids
from service.backup import ARTIFACTS, BLOCK, DATABASE, Progress, opened, sha256_of, sums_of, words
from service.checkpoints import RESTORING, sync_folder
from service.domain.checkpoint import Checkpoint
from service.errors import ArdoiseError, ConflictError
from service.storage import Database, artifacts, copies, migrations, restored


@dataclass(frozen=True)
class Restored:
    """What came out of a backup."""

    checkpoints: int
    damaged: tuple[str, ...]
    """What the backup did not hold either, as it had been damaged before."""


def restore(database: Database, root: Path, file: Path, *, force: bool, now: datetime, progress: Progress) -> Restored:
    """Bring the schema forward where it is older, let what ran wait again, and put all in place.

    `ConflictError` where somebody has the database open, there is something already and no `force`, or a newer version
    wrote the backup; `ArdoiseError` where it is not whole or the disk will not have it. Then nothing has changed.
    """
    with opened(file) as tar, copies.held(database) as connection, _stage(root) as stage:
        if not force and not (copies.is_empty(connection) and _is_bare(root)):
            raise ConflictError(
                f"{copies.file_of(database).parent} and {root} hold experiments already: name another ARDOISE_HOME, or "
                "give --force, which replaces them"
            )
        try:
            names = _prepare_database(tar, stage / DATABASE, now=now)
            found = _take_out(tar, names, stage, progress=progress)
            replaced = copies.named_folders(connection)
            with _moved(stage, root, sorted({each.folder for each in found.whole})):
                copies.replace(connection, stage / DATABASE, database=database)
        except OSError as error:
            raise ArdoiseError(f"the backup cannot be restored: {error.strerror or error}") from error
        for folder in replaced - {each.folder for each in found.named}:
            shutil.rmtree(root / folder, ignore_errors=True)
            _remove_if_empty((root / folder).parent)
    return Restored(checkpoints=len(found.whole), damaged=tuple(map(words, found.missing)))


@dataclass
class _Found:
    """What the restored database names, and which of it the backup holds."""

    named: list[Checkpoint]
    there: set[str] = field(default_factory=set)
    """Names of members that were taken out."""

    @property
    def whole(self) -> list[Checkpoint]:
        return [each for each in self.named if self._is_whole(each)]

    @property
    def missing(self) -> list[Checkpoint]:
        return [each for each in self.named if not self._is_whole(each)]

    def _is_whole(self, checkpoint: Checkpoint) -> bool:
        return all(member_of(checkpoint, file.name) in self.there for file in checkpoint.files)


def member_of(checkpoint: Checkpoint, name: str) -> str:
    """How a file of a checkpoint is called in a backup."""
    return f"{ARTIFACTS}/{checkpoint.folder}/{name}"


@contextmanager
def _stage(root: Path) -> Iterator[Path]:
    """A folder on the disk of the artifacts, so that what is in it can be renamed to its place."""
    stage = root / (RESTORING + ids.new())
    try:
        stage.mkdir(parents=True)
    except OSError as error:
        raise ArdoiseError(f"{root} cannot be written: {error.strerror}") from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _is_bare(root: Path) -> bool:
    """True where no artifacts are, but for what restorations that were killed have left."""
    return all(each.name.startswith(RESTORING) for each in root.iterdir())


def _prepare_database(tar: tarfile.TarFile, path: Path, *, now: datetime) -> list[Checkpoint]:
    """Take the database out and make it ready for use; what it names."""
    known = sums_of(tar)
    if DATABASE not in known:
        raise ArdoiseError(f"{tar.name!s} is no backup: it holds no {DATABASE}")
    _extract(tar, tar.getmember(DATABASE), path)
    with path.open("rb") as file:
        if sha256_of(file) != known[DATABASE]:
            raise ArdoiseError(f"{tar.name!s} is damaged: its {DATABASE} is not what was backed up")
    database = Database(f"sqlite:///{path}")
    try:
        migrations.ensure_current(database)
        with database.writing() as session:
            restored.settle(session, now=now)
        with database.reading() as session:
            return list(artifacts.named(session))
    finally:
        database.close()


def _take_out(tar: tarfile.TarFile, named: list[Checkpoint], stage: Path, *, progress: Progress) -> _Found:
    """Extract all that is named, each file held against the row; what nobody names any more is left."""
    found = _Found(named)
    expected = {member_of(each, file.name): file.sha256 for each in named for file in each.files}
    total = Path(os.fsdecode(tar.name or "")).stat().st_size
    for member in tar:
        sha256 = expected.get(member.name)
        if sha256 is None:
            continue
        path = stage / _safe(member.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        _extract(tar, member, path)
        with path.open("rb") as file:
            if sha256_of(file) != sha256:
                raise ArdoiseError(f"{tar.name!s} is damaged: {member.name} is not what was backed up")
        found.there.add(member.name)
        progress("restoring", tar.offset, total)
    return found


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """The content alone, on the disk when this returns: links, owners and modes of an archive are nobody's here."""
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise ArdoiseError(f"{tar.name!s} is no backup: {member.name} is no file in it")
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, BLOCK)
        file.flush()
        os.fsync(file.fileno())


def _safe(name: str) -> PurePosixPath:
    """A database may say anything: no name leads out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ArdoiseError(f"{name} is no name that a backup of ours would have")
    return path


@contextmanager
def _moved(stage: Path, root: Path, folders: list[str]) -> Iterator[None]:
    """Move these folders from the stage to their place; where the block fails, out of it again.

    One that is there already is the same checkpoint, perhaps damaged since: it gives way.
    """
    moved: list[tuple[Path, Path | None]] = []
    try:
        for number, folder in enumerate(folders):
            place, aside = root / folder, None
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                aside = stage / f"aside-{number}"
                place.rename(aside)
            moved.append((place, aside))
            sync_folder(stage / ARTIFACTS / folder)
            (stage / ARTIFACTS / folder).rename(place)
        for parent in {parent for folder in folders for parent in PurePosixPath(folder).parents}:
            sync_folder(root / parent)
        yield
    except BaseException:
        for place, aside in reversed(moved):
            shutil.rmtree(place, ignore_errors=True)
            if aside is not None:
                aside.rename(place)
            _remove_if_empty(place.parent)
        raise


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # others are in it
        return
