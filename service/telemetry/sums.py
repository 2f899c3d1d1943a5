"""What all processes have counted, those that have ended included: no sum ever falls, not even after a restart.

The counts of a process that has ended are put with those of the others that have: `ENDED` has their sum and the names
of the files in it, which are then deleted. It takes the place of its predecessor in one step, so that a file which is
named and still there is known to be in it already.
"""

import contextlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from service.telemetry.tally import BYTES, LOCK_SUFFIX, PLACES, SUFFIX

ENDED = "ended.json"
Place = tuple[str, tuple[str, ...], str]
"""A measure's name, the values of its labels, and what of it is counted: as `measures.py` names it."""


def gather(folder: Path) -> Counter[Place]:
    """The sums; empty where nobody has counted."""
    if not folder.is_dir():
        return Counter()
    with FileLock(folder / "sums.lock"):
        before, merged = _ended(folder)
        found = {path.name: path for path in sorted(folder.glob(f"*{SUFFIX}"))}
        final: list[Path] = []
        sums: Counter[Place] = Counter(before)
        for name, path in found.items():
            if name in merged:
                _delete(path)
                continue
            with _lock_of_an_ended_process(path) as ended:
                counts = _read(path)
                if ended:
                    final.append(path)
                    before.update(counts)
            sums.update(counts)
        if final:
            _write(folder, before, [path.name for path in final])
            for path in final:
                _delete(path)
    return sums


@contextlib.contextmanager
def _lock_of_an_ended_process(path: Path) -> Iterator[bool]:
    """True where there is no such process any more."""
    lock = FileLock(path.with_suffix(LOCK_SUFFIX))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _read(path: Path) -> Counter[Place]:
    content = path.read_bytes()
    values, names = array("d", content[:BYTES].ljust(BYTES, b"\0")), content[BYTES:].split(b"\n")[:-1]
    counts: Counter[Place] = Counter()
    for value, line in zip(values[:PLACES], names, strict=False):
        name, labels, part = json.loads(line)
        counts[name, tuple(labels), part] += value  # type: ignore[assignment]  # a Counter adds floats as well
    return counts


def _ended(folder: Path) -> tuple[Counter[Place], frozenset[str]]:
    path = folder / ENDED
    if not path.exists():
        return Counter(), frozenset()
    document = json.loads(path.read_text())
    counts = {(name, tuple(labels), part): value for name, labels, part, value in document["counts"]}
    return Counter(counts), frozenset(document["files"])


def _write(folder: Path, counts: Counter[Place], files: list[str]) -> None:
    listed = [[name, list(labels), part, value] for (name, labels, part), value in counts.items()]
    fresh = folder / f"{ENDED}.new"
    fresh.write_text(json.dumps({"counts": listed, "files": files}))
    fresh.replace(folder / ENDED)


def _delete(path: Path) -> None:
    for each in (path, path.with_suffix(LOCK_SUFFIX)):
        each.unlink(missing_ok=True)
