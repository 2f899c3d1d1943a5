"""A whole `ardoise serve` as a process tree, for benchmarks: its client, its workers and its processor seconds."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.client import Client
from service.domain.experiment import State
from service.domain.sweep import Sweep
from service.settings import Settings
from tests.cli.conftest import descendants, environment, stop, until

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
CPU_FIELDS = slice(11, 15)
"""utime, stime, cutime, cstime in what follows the command's name in `/proc/PID/stat`; see proc_pid_stat(5)."""
LONGEST_SWEEP_SECONDS = 600.0


@dataclass(frozen=True)
class Served:
    """A service on the loopback address whose workers are all there."""

    process: subprocess.Popen[str]
    url: str
    home: Path
    client: Client

    def sweep(self, request: Mapping[str, Any]) -> Sweep:
        """POST the sweep and wait, by long polls, until all of it has ended; it must be completed."""
        accepted = self.client.sweep(request)
        return self.ended(accepted.id)

    def seconds(self, request: Mapping[str, Any]) -> float:
        """How long `sweep` takes."""
        began = time.perf_counter()
        self.sweep(request)
        return time.perf_counter() - began

    def ended(self, sweep_id: str) -> Sweep:
        """The sweep once all of it has ended."""
        deadline = time.monotonic() + LONGEST_SWEEP_SECONDS
        while True:
            sweep = self.client.get_sweep(sweep_id)
            open_ones = [each for each in sweep.items if not each.state.ended]
            if not open_ones:
                assert sweep.states[State.COMPLETED] == sweep.count, sweep.states
                return sweep
            assert time.monotonic() < deadline, "the sweep takes too long"
            last = open_ones[-1]
            self.client.metrics(last.id, after_epoch=last.spec.epochs, wait=20)

    def cpu_seconds(self) -> float:
        """What all processes of the service have used until now, those that have ended and were waited for included."""
        return sum(map(_cpu_seconds, [self.process.pid, *descendants(self.process.pid)]))


@contextmanager
def served(*, workers: int | None = None, data_dir: Path, home: str | None = None, **settings: str) -> Iterator[Served]:
    """A service of its own, with the default number of workers where none is given.

    Where it is given no home it has one that goes with it.
    """
    options = [] if workers is None else ["--workers", str(workers)]
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", *options]
    with tempfile.TemporaryDirectory() as own, tempfile.TemporaryFile("w+") as log:
        variables = environment(home=home or own, data_dir=str(data_dir), **settings)
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "http://" in said, said
            url = "http://" + said.split("http://")[1].split()[0]
            with Client(url) as client:
                wanted = Settings().worker_count if workers is None else workers
                until(lambda: len(client.workers().items) == wanted, what="the workers")
                yield Served(process, url, Path(home or own), client)
        finally:
            stop(process)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[CPU_FIELDS])) / TICKS_PER_SECOND
