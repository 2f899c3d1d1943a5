"""A disk that fails on demand, for processes that are started here: what they write below a folder is refused.

A small library (`failing_disk.c`) stands before the C library's calls in them; this process steers it through a page of
memory that all share. It is no simulation of a disk: what is not refused happens.
"""

import errno
import mmap
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")
FOREVER = 2**40
_LAYOUT = struct.Struct("5q")
_NONE, _TRUE = -(2**62), -1


class FailingDisk:
    """Everything works until it is told to fail."""

    def __init__(self, folder: Path, *, below: Path) -> None:
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler: no disk can be made to fail")
        library, control = folder / "failing_disk.so", folder / "control"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
        control.write_bytes(_LAYOUT.pack(_NONE, 0, 0, _TRUE, 0))
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAILING_DISK_CONTROL": str(control),
            "FAILING_DISK_BELOW": str(below),
        }
        with control.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _LAYOUT.size)

    @contextmanager
    def failing(self, *, after: int, times: int = 1, error: int = errno.ENOSPC) -> Iterator[None]:
        """The call after so many others that write fails, and so do those after it, `times` in all."""
        self._set(countdown=_NONE)
        self._set(times=times, error=error, failed=0)
        self._set(countdown=after + 1)
        try:
            yield
        finally:
            self._set(countdown=_NONE)

    def has_free(self, free: int | None) -> None:
        """What the disk says of itself; None: the truth."""
        self._set(free=_TRUE if free is None else free)

    @property
    def failed(self) -> int:
        """Calls that were refused since `failing`."""
        return int(_LAYOUT.unpack_from(self._shared)[4])

    def _set(self, **values: int) -> None:
        for name, value in values.items():
            place = ("countdown", "times", "error", "free", "failed").index(name)
            struct.pack_into("q", self._shared, 8 * place, value)
