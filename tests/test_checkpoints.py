"""Checkpoints on a real disk: whole or not there, and never used once a bit of them has changed."""

import errno
import json
import os
import random
import resource
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from service import architectures, checkpoints, ids
from service.domain.checkpoint import MANIFEST, STATE, WEIGHTS, Checkpoint
from service.domain.manifest import Manifest
from service.domain.spec import ExperimentSpec
from service.errors import DamagedCheckpointError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SPEC = ExperimentSpec.model_validate(
    {"dataset": "digits", "architecture": {"name": "mlp", "hidden": [16], "batch_norm": True}, "activation": "tanh"}
)
SEEDS = 300


def a_network() -> torch.nn.Sequential:
    """A fresh one of the spec."""
    torch.manual_seed(1)
    return architectures.build(SPEC.architecture, activation=SPEC.activation, image_size=8, classes=10)


def a_manifest(*, experiment_id: str = "e1", epoch: int = 3) -> Manifest:
    """Of a run on `digits`."""
    return Manifest.model_validate(
        {
            "experiment_id": experiment_id,
            "spec_hash": SPEC.spec_hash,
            "epoch": epoch,
            "architecture": SPEC.architecture.model_dump(),
            "activation": SPEC.activation,
            "image_size": 8,
            "labels": [str(digit) for digit in range(10)],
            "mean": 0.3,
            "std": 0.4,
            "framing": {"box": 8, "centre": "box"},
            "native_size": 8,
        }
    )


def write(root: Path, *, experiment_id: str = "e1", epoch: int = 3, resumable: bool = True) -> Checkpoint:
    """Publish the weights of a fresh network."""
    return checkpoints.write(
        root,
        checkpoint_id=ids.new(),
        attempt=2,
        manifest=a_manifest(experiment_id=experiment_id, epoch=epoch),
        weights=a_network().state_dict(),
        state={"hidden1.weight.momentum_buffer": torch.arange(6.0).reshape(2, 3)} if resumable else None,
        now=NOW,
    )


def everything_below(root: Path) -> list[str]:
    """Paths of all files and folders."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


def test_what_was_written_is_read_to_the_bit(tmp_path: Path) -> None:
    written = write(tmp_path)
    restored = checkpoints.restore(tmp_path, written)
    network = a_network().state_dict()
    assert restored.epoch == 3
    assert restored.weights.keys() == network.keys()
    for name, tensor in network.items():
        assert torch.equal(restored.weights[name], tensor)
        assert restored.weights[name].dtype == tensor.dtype
    assert torch.equal(restored.state["hidden1.weight.momentum_buffer"], torch.arange(6.0).reshape(2, 3))
    assert checkpoints.load_weights(tmp_path, written).keys() == network.keys()


def test_the_folder_alone_says_what_the_network_is(tmp_path: Path) -> None:
    written = write(tmp_path)
    folder = tmp_path / written.folder
    assert json.loads((folder / MANIFEST).read_text())["architecture"]["hidden"] == [16]
    assert load_file(folder / WEIGHTS).keys() == a_network().state_dict().keys()
    network, manifest = checkpoints.load_network(tmp_path, written)
    images = torch.rand((4, 1, 8, 8), generator=torch.Generator().manual_seed(3))
    assert not network.training
    assert manifest == a_manifest()
    assert torch.equal(network(images), a_network().eval()(images))


def test_the_row_names_every_file_with_its_size_and_hash(tmp_path: Path) -> None:
    written = write(tmp_path)
    assert {file.name for file in written.files} == {WEIGHTS, STATE, MANIFEST}
    assert (written.epoch, written.attempt, written.resumable, written.created_at) == (3, 2, True, NOW)
    for file in written.files:
        assert (tmp_path / written.folder / file.name).stat().st_size == file.bytes
    assert written.weights.name == WEIGHTS
    assert everything_below(tmp_path) == sorted(
        ["e1", written.folder, *(f"{written.folder}/{file.name}" for file in written.files)]
    )


def test_without_the_optimizers_state_it_can_only_be_predicted_from(tmp_path: Path) -> None:
    written = write(tmp_path, resumable=False)
    assert not written.resumable
    assert not (tmp_path / written.folder / STATE).exists()
    checkpoints.load_network(tmp_path, written)


def flip_a_bit(content: bytearray, chance: random.Random) -> None:
    """One of all."""
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def zero_a_page(content: bytearray, chance: random.Random) -> None:
    """512 bytes or what there is of them, with something in them."""
    held = [start for start in range(0, len(content), 512) if any(content[start : start + 512])]
    start = chance.choice(held)
    content[start : start + 512] = bytes(len(content[start : start + 512]))


def truncate(content: bytearray, chance: random.Random) -> None:
    """Somewhere, down to nothing."""
    del content[chance.randrange(len(content)) :]


def lengthen(content: bytearray, chance: random.Random) -> None:
    """By a few bytes."""
    content += chance.randbytes(chance.randrange(1, 9))


def swap_blocks(content: bytearray, chance: random.Random) -> None:
    """Two different ones of 16 bytes: a sum over the bytes would not notice."""
    while True:
        a, b = (chance.randrange(len(content) - 16) for _ in range(2))
        if abs(a - b) >= 16 and content[a : a + 16] != content[b : b + 16]:
            content[a : a + 16], content[b : b + 16] = content[b : b + 16], content[a : a + 16]
            return


@pytest.mark.parametrize("damage", [flip_a_bit, zero_a_page, truncate, lengthen, swap_blocks])
def test_damage_to_any_file_is_always_noticed(
    tmp_path: Path, damage: Callable[[bytearray, random.Random], None]
) -> None:
    written = write(tmp_path)
    sound = {file.name: (tmp_path / written.folder / file.name).read_bytes() for file in written.files}
    for seed in range(SEEDS):
        chance = random.Random(seed)
        name = chance.choice([WEIGHTS, STATE, MANIFEST])
        content = bytearray(sound[name])
        damage(content, chance)
        path = tmp_path / written.folder / name
        path.write_bytes(content)
        with pytest.raises(DamagedCheckpointError, match=f"{name} of epoch 3 of experiment e1 is damaged"):
            checkpoints.read_file(tmp_path, written, name)
        if seed < 20:
            with pytest.raises(DamagedCheckpointError):
                checkpoints.restore(tmp_path, written)
            if name != STATE:
                with pytest.raises(DamagedCheckpointError):
                    checkpoints.load_network(tmp_path, written)
        path.write_bytes(sound[name])
    checkpoints.restore(tmp_path, written)


def test_without_the_hash_most_flipped_bits_would_be_taken_for_weights(tmp_path: Path) -> None:
    """Why the hash is there: the file format by itself notices damage to its header alone."""
    from safetensors.torch import load

    sound = (tmp_path / write(tmp_path).folder / WEIGHTS).read_bytes()
    unnoticed = 0
    for seed in range(100):
        content = bytearray(sound)
        flip_a_bit(content, random.Random(seed))
        try:
            load(bytes(content))
        except Exception:  # noqa: BLE001, S112  # however it was noticed
            continue
        unnoticed += 1
    assert unnoticed > 50


@pytest.mark.parametrize("name", [WEIGHTS, STATE, MANIFEST])
def test_a_file_that_is_gone_is_damage_too(tmp_path: Path, name: str) -> None:
    written = write(tmp_path)
    (tmp_path / written.folder / name).unlink()
    with pytest.raises(DamagedCheckpointError, match=f"{name} of epoch 3 .* cannot be read: No such file"):
        checkpoints.restore(tmp_path, written)


def test_a_folder_in_the_place_of_a_file_is_damage_too(tmp_path: Path) -> None:
    written = write(tmp_path)
    path = tmp_path / written.folder / WEIGHTS
    path.unlink()
    path.mkdir()
    with pytest.raises(DamagedCheckpointError, match="cannot be read: Is a directory"):
        checkpoints.load_network(tmp_path, written)


def test_the_files_of_another_checkpoint_are_damage_too(tmp_path: Path) -> None:
    one, other = write(tmp_path, epoch=3), write(tmp_path, epoch=4)
    shutil.copy(tmp_path / other.folder / MANIFEST, tmp_path / one.folder / MANIFEST)
    for read in (checkpoints.load_network, checkpoints.restore, checkpoints.load_weights):
        with pytest.raises(DamagedCheckpointError):
            read(tmp_path, one)
        read(tmp_path, other)


def test_a_file_in_the_way_is_an_error_of_the_disk_and_stays(tmp_path: Path) -> None:
    (tmp_path / "e1").write_text("in the way")
    with pytest.raises(OSError, match="e1"):
        write(tmp_path)
    assert everything_below(tmp_path) == ["e1"]


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path: Path) -> None:
    """This process may write no file above 1,000 bytes for a moment: the weights fail half-way, as on a full disk."""
    before = write(tmp_path, epoch=2)
    left = everything_below(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert everything_below(tmp_path) == left
    checkpoints.restore(tmp_path, before)


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_whichever_call_of_the_disk_fails_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The N-th call fails, for N = 1, 2, 3... until the write succeeds: as an error of the device would do it."""
    works: Callable[..., Any] = getattr(os, call)
    before = write(tmp_path, epoch=2)
    left = everything_below(tmp_path)
    for failing in range(1, 20):
        calls = iter(range(1, 100))

        def fails_once(*arguments: Any, calls: Any = calls, failing: int = failing, **more: Any) -> Any:
            if next(calls) == failing:
                raise OSError(errno.EIO, "Input/output error")
            return works(*arguments, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fails_once)
            try:
                written = write(tmp_path)
            except OSError:
                written = None
        if written is not None:
            checkpoints.restore(tmp_path, written)
            assert failing > 1, "none failed"
            break
        assert everything_below(tmp_path) == left, f"call {failing} of {call}"
        checkpoints.restore(tmp_path, before)


def test_files_are_on_the_disk_before_their_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file and folder is synced under its temporary name, then renamed, then the folders above are synced."""
    happened: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        happened.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        happened.append(("rename", target.name))
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        patch.setattr(Path, "rename", renamed)
        folder = Path(write(tmp_path).folder).name
    assert happened == [
        ("sync", WEIGHTS),
        ("sync", STATE),
        ("sync", MANIFEST),
        ("sync", f".part-{folder}"),
        ("rename", folder),
        ("sync", "e1"),
        ("sync", tmp_path.name),
    ]


def test_what_no_row_names_is_swept_and_nothing_else(tmp_path: Path) -> None:
    kept, unpublished, other = write(tmp_path), write(tmp_path, epoch=4), write(tmp_path, experiment_id="e2")
    part = tmp_path / "e1" / ".part-000005-x"
    part.mkdir()
    (part / WEIGHTS).write_bytes(b"half")
    damaged = write(tmp_path, epoch=6)
    checkpoints.quarantine(tmp_path, damaged)
    checkpoints.sweep(tmp_path, "e1", known=[kept])
    assert {path.name for path in (tmp_path / "e1").iterdir()} == {
        Path(kept.folder).name,
        f".damaged-{Path(damaged.folder).name}",
    }
    assert not (tmp_path / unpublished.folder).exists()
    for each in (kept, other):
        checkpoints.restore(tmp_path, each)


def test_there_may_be_nothing_to_sweep(tmp_path: Path) -> None:
    checkpoints.sweep(tmp_path, "never wrote", known=[])
    assert everything_below(tmp_path) == []


def test_a_damaged_one_is_put_aside_whole_and_no_longer_read(tmp_path: Path) -> None:
    written = write(tmp_path)
    for _ in range(2):  # whoever else found it may have been quicker
        checkpoints.quarantine(tmp_path, written)
    with pytest.raises(DamagedCheckpointError):
        checkpoints.restore(tmp_path, written)
    aside = tmp_path / "e1" / f".damaged-{Path(written.folder).name}"
    assert {path.name for path in aside.iterdir()} == {WEIGHTS, STATE, MANIFEST}


def test_superseded_ones_are_removed_and_the_others_stay(tmp_path: Path) -> None:
    old, new = write(tmp_path, epoch=3), write(tmp_path, epoch=4)
    for _ in range(2):
        checkpoints.remove(tmp_path, [old])
    assert not (tmp_path / old.folder).exists()
    checkpoints.restore(tmp_path, new)


def test_all_files_of_an_experiment_can_be_removed(tmp_path: Path) -> None:
    write(tmp_path, epoch=3)
    checkpoints.quarantine(tmp_path, write(tmp_path, epoch=4))
    other = write(tmp_path, experiment_id="e2")
    for _ in range(2):
        checkpoints.remove_experiment(tmp_path, "e1")
    assert {path.name for path in tmp_path.iterdir()} == {"e2"}
    checkpoints.restore(tmp_path, other)


def test_the_same_epoch_written_again_does_not_touch_the_first(tmp_path: Path) -> None:
    """Another attempt, perhaps at the same moment: the row decides which of both counts."""
    one, other = write(tmp_path), write(tmp_path)
    assert one.folder != other.folder
    for each in (one, other):
        checkpoints.restore(tmp_path, each)
