"""Data sets as files of tensors that all processes of a machine map: decoded once, and in memory once.

    <cache>/<entry>.safetensors    images and labels of both splits; in its header the key that it was made under, the
                                   standardisation and a checksum over all of it
    <cache>/.<entry>.lock          held while the entry is made; whoever comes meanwhile waits a while and then maps it

The mapping is private: a process that wrote to a tensor would write to a copy of that page, and neither the file nor
another process would see it. An entry is never changed, only replaced by a rename, so who has mapped the old one keeps
it. One that is damaged, or was made from other files or by other code, is made anew. A folder that cannot be written to
costs a warning and the sharing, never the data set.
"""

import hashlib
import io
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

import structlog
from filelock import FileLock

from service.datasets._download import publish
from service.datasets._tensors import Dataset, Split

_log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 20.0
"""For an entry that another process makes: that one may have been stopped, and a data set can be decoded without it."""
_READ_AT_ONCE = 1 << 16
"""Bytes, which stay in the processor's cache."""


def load(entry: str, decode: Callable[[], Dataset], *, cache_dir: Path, sources: Iterable[Path]) -> Dataset:
    """The data set as it lies in the cache; where it does not, or not as it is now, `decode` makes it.

    `sources` are the files that `decode` reads, by which an entry is known to be out of date; it may bring them first.
    Where the cache cannot be used the tensors are those of `decode`. What `decode` raises goes through.
    """
    sources = tuple(sources)
    file = cache_dir / f"{entry}.safetensors"
    if (found := _mapped(file, made_from(sources))) is not None:
        return found
    with ExitStack() as held:
        try:
            cache_dir.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(cache_dir / f".{entry}.lock", timeout=PATIENCE_SECONDS))
        # The latter where the file system knows no locks; the former, too, where its holder sleeps.
        except (OSError, NotImplementedError) as error:
            _warn(entry, cache_dir, error)
            return decode()
        # The key is taken before the files are read: should they change meanwhile, the entry is out of date at once.
        key = made_from(sources)
        if (found := _mapped(file, key)) is not None:
            return found
        dataset = decode()
        return _stored(dataset, entry, file, key or made_from(sources)) or dataset


def holds(entry: str, *, cache_dir: Path, sources: Iterable[Path]) -> bool:
    """Whether it lies in the cache, made from these files by this code; whether it is whole, `load` finds out."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(cache_dir / f"{entry}.safetensors", framework="pt") as stored:
            return (stored.metadata() or {}).get("key") == made_from(sources)
    except (OSError, SafetensorError):
        return False


def _stored(dataset: Dataset, entry: str, file: Path, key: str | None) -> Dataset | None:
    """The same, mapped from a new entry; None, after a warning, where the disk will not have it."""
    from safetensors.numpy import save

    if key is None:
        return None
    part = file.with_name(f".{entry}.part")
    tensors = {
        "train_images": dataset.train.images.contiguous().numpy(),
        "train_labels": dataset.train.labels.contiguous().numpy(),
        "test_images": dataset.test.images.contiguous().numpy(),
        "test_labels": dataset.test.labels.contiguous().numpy(),
    }
    facts = {"key": key, "mean": repr(dataset.standardisation[0]), "std": repr(dataset.standardisation[1])}
    facts["checksum"] = _checksum(io.BytesIO(save(tensors)), facts)
    try:
        part.write_bytes(save(tensors, metadata=facts))
        publish(part, file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        _warn(entry, file.parent, error)
        return None
    return _mapped(file, key)


def _mapped(file: Path, key: str | None) -> Dataset | None:
    """The entry, if it is there, whole and made under this key."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as stored:
            facts = dict(stored.metadata() or {})
            if facts.get("key") != key:
                return None
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  # it is no mapping
        with file.open("rb") as plain:
            if facts.pop("checksum", None) != _checksum(plain, facts):
                raise ValueError("the checksum is another")
        return Dataset(
            train=Split(images=tensors["train_images"], labels=tensors["train_labels"]),
            test=Split(images=tensors["test_images"], labels=tensors["test_labels"]),
            measured=(float(facts["mean"]), float(facts["std"])),
        )
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, ValueError, LookupError, SafetensorError) as error:
        _log.info("a cached data set cannot be used and is made anew", file=file.name, error=str(error))
        return None


def _checksum(entry: BinaryIO, facts: Mapping[str, str]) -> str:
    """CRC-32 of the facts and of all tensors, header aside; at 4 GB/s it is a matter of milliseconds.

    Read and not mapped: a process holds in memory what it looks at, and not all that it has checked.
    """
    crc = zlib.crc32(repr(sorted(facts.items())).encode())
    entry.seek(8 + int.from_bytes(entry.read(8), "little"))
    while part := entry.read(_READ_AT_ONCE):
        crc = zlib.crc32(part, crc)
    return f"{crc:08x}"


def made_from(sources: Iterable[Path]) -> str | None:
    """The key of an entry: the files, the code that reads them, and what may round otherwise when resizing.

    None where a file is not there.
    """
    import torch

    parts = [_code(), torch.__version__, torch.backends.cpu.get_cpu_capability()]
    try:
        for file in sources:
            state = file.stat()
            parts.append(f"{file.resolve()} {state.st_size} {state.st_mtime_ns}")
    except OSError:
        return None
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _code() -> str:
    """A digest of this folder, so that no one has to remember a version number."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _warn(entry: str, cache_dir: Path, error: Exception) -> None:
    _log.warning(
        "the cache folder cannot be used; every worker holds its own copy of the data set",
        dataset=entry,
        folder=str(cache_dir),
        error=str(error),
    )
