"""The files of a model's versions, which are their own: weights and manifest, copied from an experiment's checkpoint.

    <artifacts>/models/<model>/<version>-<version id>/
        weights.safetensors
        manifest.json

They are written as `service/checkpoints.py` writes: under a temporary name first, every file synced, then renamed and
the parent synced. `stage` does the long part, outside any transaction; `place` is called in the transaction that stores
the row, which with the SHA-256 of both files is what makes it a version. What a process that was killed on the way has
left is known by having no row, unless somebody is just `adding`: `sweep` removes it.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import structlog

from service import checkpoints
from service.checkpoints import sync_folder, write_synced
from service.domain.checkpoint import MANIFEST, WEIGHTS, Checkpoint

FOLDER = "models"
"""Below the artifacts folder, beside the experiments' own: no experiment's id is this word."""
_PART = ".part-"

log = structlog.get_logger(__name__)


@contextmanager
def adding(root: Path) -> Iterator[None]:
    """Nothing is swept for as long as this lasts, by whichever process; who is killed lets go of it."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    with _locked(root / FOLDER, fcntl.LOCK_SH):
        yield


def sweep(root: Path, known: Callable[[], Collection[str]]) -> None:
    """Remove the folders that no row names, `known` being those that one does; while somebody adds, nothing."""
    own = root / FOLDER
    with suppress(FileNotFoundError, BlockingIOError), _locked(own, fcntl.LOCK_EX | fcntl.LOCK_NB):
        folders = known()
        for found in [*own.glob("*/*")]:
            if found.relative_to(root).as_posix() not in folders:
                log.info("removed files that became no version of a model", folder=str(found.relative_to(own)))
                shutil.rmtree(found, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def stage(root: Path, checkpoint: Checkpoint, *, model: str, version_id: str) -> Path:
    """Copy the files of a checkpoint to a temporary place; `DamagedCheckpointError` as `checkpoints.read_file`."""
    contents = {name: checkpoints.read_file(root, checkpoint, name) for name in (WEIGHTS, MANIFEST)}
    part = root / FOLDER / model / (_PART + version_id)
    part.mkdir(parents=True)
    try:
        for name, content in contents.items():
            write_synced(part / name, content)
        sync_folder(part)
    except BaseException:
        discard(part)
        raise
    return part


def place(
    root: Path, part: Path, checkpoint: Checkpoint, *, version: int, version_id: str, now: datetime
) -> Checkpoint:
    """Rename what was staged to what it is called from now on: a checkpoint of its own, which no run goes on from."""
    folder = part.with_name(f"{version}-{version_id}")
    part.rename(folder)
    for parent in (part.parent, root / FOLDER, root):  # all three may be new
        sync_folder(parent)
    return Checkpoint(
        id=version_id,
        experiment_id=checkpoint.experiment_id,
        epoch=checkpoint.epoch,
        attempt=checkpoint.attempt,
        folder=folder.relative_to(root).as_posix(),
        files=tuple(file for file in checkpoint.files if file.name in {WEIGHTS, MANIFEST}),
        resumable=False,
        created_at=now,
    )


def discard(*folders: Path) -> None:
    """Remove what has become no version, wherever it has got to."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
