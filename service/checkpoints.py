"""Checkpoints on disk: written so that one is either whole or not there, and never read when it has changed.

    <artifacts>/<experiment id>/<epoch>-<checkpoint id>/
        weights.safetensors     the network's parameters and buffers
        state.safetensors       the optimizer's tensors, where the run can be resumed from here
        outputs.safetensors     where a run ended here: its best weights' logits of the validation and test images
        manifest.json           what the network is; written last

A folder is filled under a temporary name, every file is synced, the folder is renamed and its parent synced; the row
that the caller then commits, with the size and SHA-256 of every file, is what makes it a checkpoint
(`storage/checkpoints`).
Before a file is used it is held against that row: `torch` and safetensors notice few flipped bits by themselves.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from service import architectures, failpoints
from service.domain.checkpoint import MANIFEST, OUTPUTS, STATE, WEIGHTS, Checkpoint, StoredFile
from service.domain.manifest import Manifest
from service.errors import DamagedCheckpointError
from service.failpoints import Point

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    Tensors = Mapping[str, torch.Tensor]

log = structlog.get_logger(__name__)

RESTORING = ".restoring-"
"""Begins the name of a folder in which a backup is unpacked."""
_PART = ".part-"
_QUARANTINE = ".damaged-"
_OURS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""Ends whatever we have named after an id."""


@dataclass(frozen=True, eq=False)
class Restored:
    """What a run needs to go on: parameters and buffers by name, the optimizer's tensors by `<parameter>.<name>`."""

    epoch: int
    weights: "Tensors"
    state: "Tensors"


@dataclass(frozen=True, eq=False)
class SplitOutputs:
    """What the best weights of a run say of each image of a split."""

    logits: "np.ndarray"
    """float32 `(n, classes)`; they need not be finite."""
    labels: "np.ndarray"
    """int64 `(n,)`."""
    indices: "np.ndarray"
    """int64 `(n,)`: where the images stand in the data set; those of validation in its training split."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """All that most of a finished run's analysis is reckoned from."""

    validation: SplitOutputs
    test: SplitOutputs


def write(
    root: Path,
    *,
    checkpoint_id: str,
    attempt: int,
    manifest: Manifest,
    weights: "Tensors",
    state: "Tensors | None",
    now: datetime,
    outputs: "Tensors | None" = None,
) -> Checkpoint:
    """Put a checkpoint's files in place; OSError where the disk will not have them, and then nothing is left of it."""
    from safetensors.torch import save

    contents = {WEIGHTS: save(dict(weights), {"format": "pt"})}
    if state is not None:
        contents[STATE] = save(dict(state))
    if outputs is not None:
        contents[OUTPUTS] = save(dict(outputs))
    contents[MANIFEST] = manifest.model_dump_json(indent=2).encode()

    own = root / manifest.experiment_id
    name = f"{manifest.epoch:06d}-{checkpoint_id}"
    part, place = own / (_PART + name), own / name
    part.mkdir(parents=True)
    try:
        failpoints.reach(Point.CHECKPOINT_BEGUN)
        for file, content in contents.items():
            write_synced(part / file, content)
        sync_folder(part)
        failpoints.reach(Point.CHECKPOINT_SYNCED)
        part.rename(place)
        failpoints.reach(Point.CHECKPOINT_RENAMED)
        sync_folder(own)
        sync_folder(root)  # the experiment's own folder may be new in it
        failpoints.reach(Point.CHECKPOINT_PLACED)
    except BaseException:
        for left in (part, place):
            shutil.rmtree(left, ignore_errors=True)
        raise
    return Checkpoint(
        id=checkpoint_id,
        experiment_id=manifest.experiment_id,
        epoch=manifest.epoch,
        attempt=attempt,
        folder=f"{manifest.experiment_id}/{name}",
        files=tuple(
            StoredFile(name=file, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
            for file, content in contents.items()
        ),
        resumable=state is not None,
        created_at=now,
    )


def read_file(root: Path, checkpoint: Checkpoint, name: str) -> bytes:
    """The file's bytes as they were written; `DamagedCheckpointError` where they are missing or others."""
    stored = next(file for file in checkpoint.files if file.name == name)
    where = f"{name} of epoch {checkpoint.epoch} of experiment {checkpoint.experiment_id}"
    try:
        content = (root / checkpoint.folder / name).read_bytes()
    except OSError as error:
        raise DamagedCheckpointError(f"{where} cannot be read: {error.strerror}") from error
    if len(content) != stored.bytes or hashlib.sha256(content).hexdigest() != stored.sha256:
        raise DamagedCheckpointError(f"{where} is damaged: its SHA-256 is not what was stored")
    return content


def load_network(root: Path, checkpoint: Checkpoint) -> tuple["nn.Sequential", Manifest]:
    """The trained network in evaluation mode and what it is; `DamagedCheckpointError` as `read_file`."""
    manifest = Manifest.model_validate_json(read_file(root, checkpoint, MANIFEST))
    weights = load_weights(root, checkpoint)
    network = architectures.build(
        manifest.architecture,
        activation=manifest.activation,
        image_size=manifest.image_size,
        classes=len(manifest.labels),
    )
    network.load_state_dict(dict(weights))
    return network.eval(), manifest


def restore(root: Path, checkpoint: Checkpoint) -> Restored:
    """What a run goes on from; `DamagedCheckpointError` as `read_file`, for any of its files."""
    from safetensors.torch import load

    state = load(read_file(root, checkpoint, STATE))
    return Restored(epoch=checkpoint.epoch, weights=load_weights(root, checkpoint), state=state)


def load_weights(root: Path, checkpoint: Checkpoint) -> "Tensors":
    """Parameters and buffers by name; `DamagedCheckpointError` as `read_file`, for the manifest, too."""
    from safetensors.torch import load

    read_file(root, checkpoint, MANIFEST)
    return load(read_file(root, checkpoint, WEIGHTS))


def load_outputs(root: Path, checkpoint: Checkpoint) -> Outputs:
    """Those of a checkpoint that `has_outputs`; `DamagedCheckpointError` as `read_file`."""
    from safetensors.numpy import load

    arrays = load(read_file(root, checkpoint, OUTPUTS))
    validation, test = (
        SplitOutputs(
            logits=arrays[f"{split}.logits"], labels=arrays[f"{split}.labels"], indices=arrays[f"{split}.indices"]
        )
        for split in ("validation", "test")
    )
    return Outputs(validation=validation, test=test)


def quarantine(root: Path, checkpoint: Checkpoint) -> None:
    """Move a damaged checkpoint out of the way, for whoever wants to look at it."""
    folder = root / checkpoint.folder
    if folder.exists():
        folder.rename(folder.with_name(_QUARANTINE + folder.name))


def remove(root: Path, checkpoints: Iterable[Checkpoint]) -> None:
    """Remove superseded checkpoints, whose rows are gone already."""
    for checkpoint in checkpoints:
        shutil.rmtree(root / checkpoint.folder, ignore_errors=True)


def remove_experiment(root: Path, experiment_id: str) -> None:
    """Remove all files of an experiment, whose rows are gone already."""
    shutil.rmtree(root / experiment_id, ignore_errors=True)


def sweep(root: Path, experiment_id: str, *, known: Iterable[Checkpoint]) -> None:
    """Remove what an earlier attempt of this experiment left: folders that no row names; damaged ones stay."""
    own = root / experiment_id
    folders = {Path(checkpoint.folder).name for checkpoint in known}
    for found in own.iterdir() if own.is_dir() else ():
        if found.name not in folders and not found.name.startswith(_QUARANTINE):
            log.info("removed a checkpoint that was never published", experiment_id=experiment_id, folder=found.name)
            shutil.rmtree(found, ignore_errors=True)


def folders_before(root: Path, time: float, *, models: str) -> Iterator[Path]:
    """Of checkpoints and versions, published or not, and of those put aside: what was last changed before this time.

    `models` is the folder of named models. What is not called as something of ours is let lie.
    """
    for own in root.iterdir() if root.is_dir() else ():
        if own.name.startswith(RESTORING):
            found: Iterable[Path] = (own,)
        elif own.name == models:
            found = (folder for model in own.iterdir() if model.is_dir() for folder in model.iterdir())
        else:
            found = own.iterdir() if _OURS.search(own.name) and own.is_dir() else ()
        for folder in found:
            if _OURS.search(folder.name) and folder.stat().st_ctime < time:
                yield folder


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        failpoints.reach(Point.CHECKPOINT_WRITTEN)
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """A rename is on the disk once the folder it happened in is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
