"""A backup: the database and every artifact that its rows name, as one file, made while others train and read.

It is a tar file, which `tar` and `sha256sum` can read as well:

    artifacts/<folder>/<file>   the files of checkpoints and of models' versions
    ardoise.db                  the database as it was at one moment
    SHA256SUMS                  of all of them, written last: without it the file is no backup

Files that a row names never change, they only go: a run that trains supersedes its checkpoints. So the database is
copied, then the files that this copy names, and where some of those had gone, the database once more, until there is a
copy of which every file was caught. What even a later copy names and what still cannot be read is damaged: it is left
out and said.
"""

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, BinaryIO, TextIO

from service.checkpoints import sync_folder
from service.domain.checkpoint import Checkpoint
from service.errors import ArdoiseError, ConflictError, NotFoundError
from service.storage import Database, artifacts, copies, migrations

DATABASE = "ardoise.db"
ARTIFACTS = "artifacts"
SUMS = "SHA256SUMS"
ROUNDS = 20
"""Copies of the database, at most: the second already finds but what has changed since the first."""
BLOCK = 1024 * 1024

Progress = Callable[[str, int, int], None]
"""What is done now, and how many bytes of how many."""


@dataclass(frozen=True)
class Backup:
    """What a backup holds."""

    checkpoints: int
    """Versions of models among them."""
    bytes: int
    damaged: tuple[str, ...]
    """What could not be read, and is not in it."""


def write(database: Database, root: Path, file: Path, *, progress: Progress) -> Backup:
    """Write a backup, read it again, and only then give it its name; one of that name stays until then.

    `ArdoiseError` where there is no database, it is none of SQLite's, or the disk will not have the file.
    """
    source = copies.file_of(database)
    if not source.is_file():
        raise NotFoundError(f"there is no database at {source}: ARDOISE_HOME or ARDOISE_DATABASE_URL says where it is")
    try:
        with TemporaryDirectory(prefix=f".{file.name}-", dir=file.parent) as folder:
            made = _make(database, root, Path(folder), progress=progress)
            (Path(folder) / "backup.tar").rename(file)
        sync_folder(file.parent)
    except OSError as error:
        raise ArdoiseError(f"{file} cannot be written: {error.strerror or error}") from error
    return made


def _make(database: Database, root: Path, folder: Path, *, progress: Progress) -> Backup:
    part = folder / "backup.tar"
    with part.open("wb") as raw:
        part.chmod(0o600)  # all that everybody's runs, notes and tokens are
        with tarfile.open(fileobj=raw, mode="w") as tar, (folder / SUMS).open("w+") as sums:
            pages = _Pages(tar, sums, root, progress)
            damaged = _catch_all(database, folder / DATABASE, pages)
            pages.put(folder / DATABASE, DATABASE)
            sums.flush()
            pages.put(folder / SUMS, SUMS)
        raw.flush()
        os.fsync(raw.fileno())
    with opened(part) as tar:
        known = sums_of(tar)
        total = part.stat().st_size
        for member in tar:
            if member.name != SUMS and sha256_of(tar.extractfile(member)) != known.get(member.name):
                raise ArdoiseError(f"what was written for {member.name} is not what is read: is the disk sound?")
            progress("verifying", tar.offset, total)
    return Backup(checkpoints=pages.whole, bytes=total, damaged=damaged)


def _catch_all(database: Database, copy: Path, pages: "_Pages") -> tuple[str, ...]:
    """Round by round, until the last copy of the database names nothing that could have been caught and was not."""
    missed: dict[str, str] = {}
    for _round in range(ROUNDS):
        copies.copy(database, copy)
        before, missed = missed, _catch(copy, pages)
        if missed.keys() <= before.keys():
            return tuple(missed.values())
    raise ConflictError("checkpoints are superseded more quickly than they can be copied: end some workers meanwhile")


def _catch(copy: Path, pages: "_Pages") -> dict[str, str]:
    """Put all that this copy names and that is not there yet; what could not be, by its id, in words."""
    database = Database(f"sqlite:///{copy}")
    try:
        migrations.ensure_current(database)
        with database.reading() as session:
            pages.begin(file.bytes for each in artifacts.named(session) for file in each.files)
        with database.reading() as session:
            return {each.id: words(each) for each in artifacts.named(session) if not pages.catch(each)}
    finally:
        database.close()


class _Pages:
    """The tar file as it is filled."""

    def __init__(self, tar: tarfile.TarFile, sums: TextIO, root: Path, progress: Progress) -> None:
        self.whole = 0
        """How many checkpoints of the last copy of the database are there."""
        self._caught: set[str] = set()
        self._tar, self._sums, self._root, self._progress = tar, sums, root, progress
        self._total = 0

    def begin(self, sizes: Iterator[int]) -> None:
        """A copy of the database names files of these sizes."""
        self.whole, self._total = 0, sum(sizes)

    def catch(self, checkpoint: Checkpoint) -> bool:
        """Put the files of a checkpoint; False, and nothing is put, where one of them is gone or is not what it was.

        All are opened first: what is open can be read to its end, whoever removes it.
        """
        if checkpoint.id not in self._caught and not self._catch(checkpoint):
            return False
        self._caught.add(checkpoint.id)
        self.whole += 1
        return True

    def _catch(self, checkpoint: Checkpoint) -> bool:
        with ExitStack() as stack:
            files: list[tuple[str, BinaryIO, str]] = []
            for stored in checkpoint.files:
                try:
                    file = stack.enter_context((self._root / checkpoint.folder / stored.name).open("rb"))
                    if sha256_of(file) != stored.sha256:
                        return False
                except OSError:
                    return False
                files.append((f"{ARTIFACTS}/{checkpoint.folder}/{stored.name}", file, stored.sha256))
            for name, content, sha256 in files:
                self._put(content, name, sha256)
        return True

    def put(self, path: Path, name: str) -> None:
        """Put another file."""
        with path.open("rb") as file:
            self._put(file, name, sha256_of(file))

    def _put(self, file: BinaryIO, name: str, sha256: str | None) -> None:
        facts = self._tar.gettarinfo(arcname=name, fileobj=file)
        facts.uid = facts.gid = 0
        facts.uname = facts.gname = ""
        file.seek(0)
        self._tar.addfile(facts, file)
        self._sums.write(f"{sha256}  {name}\n")
        self._progress("copying", self._tar.offset, max(self._total, self._tar.offset))


@contextmanager
def opened(file: Path) -> Iterator[tarfile.TarFile]:
    """For reading; `ArdoiseError` where it is no tar file, or ends before its end."""
    try:
        with tarfile.open(file, mode="r:") as tar:
            yield tar
    except OSError as error:
        raise ArdoiseError(f"{file} cannot be read: {error.strerror or error}") from error
    except tarfile.TarError as error:
        raise ArdoiseError(f"{file} is no whole backup: {error}") from error


def sums_of(tar: tarfile.TarFile) -> dict[str, str]:
    """SHA-256 by name; `ArdoiseError` where the backup was not written to its end."""
    try:
        content = tar.extractfile(SUMS)
    except KeyError:
        content = None
    if content is None:
        raise ArdoiseError(f"{tar.name!s} is no whole backup: it has no {SUMS}")
    lines = (line.decode().rstrip("\n").partition("  ") for line in content)
    return {name: sha256 for sha256, _, name in lines}


def words(checkpoint: Checkpoint) -> str:
    """Which one it is."""
    return f"epoch {checkpoint.epoch} of experiment {checkpoint.experiment_id} ({checkpoint.folder})"


def sha256_of(file: IO[bytes] | None) -> str | None:
    """None of what is no file."""
    return None if file is None else hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
