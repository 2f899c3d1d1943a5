"""Processes that the kernel ended because there was no memory left: the supervisor says so of a worker."""

import time
from collections.abc import Sequence
from pathlib import Path

FILES = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))
"""Of the control group (docs.kernel.org/admin-guide/cgroup-v2.html) or, where there is none, of the machine (Linux)."""
LOOK_SECONDS = 1.0


class MemoryKills:
    """Looked at now and then: who has just been killed can be told from who was killed long ago."""

    def __init__(self, files: Sequence[Path] = FILES) -> None:
        self._file = next((file for file in files if "oom_kill " in _text(file)), None)
        self._before = self._newest = self._count()
        self._looked = time.monotonic()

    def look(self) -> None:
        """To be called often; it mostly does nothing."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._before, self._newest = self._newest, self._count()
            self._looked = time.monotonic()

    def happened(self) -> bool:
        """True where a process was ended so within the last seconds."""
        return self._count() > self._before

    def _count(self) -> int:
        lines = (line.split() for line in _text(self._file).splitlines())
        return sum(int(words[1]) for words in lines if words[0] == "oom_kill")


def _text(file: Path | None) -> str:
    try:
        return file.read_text() if file is not None else ""
    except OSError:
        return ""
