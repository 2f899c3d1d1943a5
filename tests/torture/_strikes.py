"""What happens to a service: its processes are killed, stopped and told to end, and its clock is set."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from service.storage import Database
from tests.cli.conftest import Served, descendants, has_ended, start, stop, until
from tests.storage.conftest import Bench

LEASE_SECONDS = 2.0
YEAR = 365 * 86400.0


@dataclass
class Strikes:
    """A service with two workers at a port, which is always started again on what is there."""

    home: Path
    port: int
    chance: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    slowest_end: float = 0.0
    """Seconds from SIGTERM until all of it has ended."""
    served: Served = field(init=False)

    def __post_init__(self) -> None:
        self.served = self._start()

    def strike(self) -> None:
        """One fault."""
        faults = {
            self.kill_a_child: 6,
            self.stop_a_child: 2,
            self.kill_the_api: 2,
            self.end_the_service: 1,
            self.set_the_clock: 3,
        }
        (fault,) = self.chance.choices([*faults], [*faults.values()])
        fault()
        self.faults[fault.__name__.replace("_", " ")] += 1

    def kill_a_child(self) -> None:
        """A worker, the server that they are forked from, or their supervisor."""
        send(self._a_child(), signal.SIGKILL)

    def stop_a_child(self) -> None:
        """For longer than its lease."""
        child = self._a_child()
        send(child, signal.SIGSTOP)
        time.sleep(1.5 * LEASE_SECONDS)
        send(child, signal.SIGCONT)

    def kill_the_api(self) -> None:
        """With what it was answering; its workers end with it."""
        children = self.served.children
        self.served.process.kill()
        self._begin_anew(children)

    def end_the_service(self) -> None:
        """As a machine does that is shut down."""
        children, began = self.served.children, time.monotonic()
        self.served.process.terminate()
        self.served.process.wait(timeout=60)
        self.slowest_end = max(self.slowest_end, time.monotonic() - began)
        self._begin_anew(children)

    def set_the_clock(self) -> None:
        """On or back, by an hour or by years."""
        database = Database(f"sqlite:///{self.home / 'ardoise.db'}")
        Bench(database).jump(self.chance.choice((3600.0, -3600.0, 10 * YEAR, -10 * YEAR)))
        database.close()

    def _begin_anew(self, children: list[int]) -> None:
        self.served.process.wait(timeout=60)
        until(lambda: all(map(has_ended, children)), what="the end of what the service had started")
        stop(self.served.process)
        self.served = self._start()

    def _a_child(self) -> int:
        children = descendants(self.served.process.pid)
        return self.chance.choice(children) if children else 0

    def _start(self) -> Served:
        settings = {
            "lease_seconds": str(LEASE_SECONDS), "max_failures": "100", "torch_threads": "1", "log_level": "error",
        }  # fmt: skip
        return start(self.home, "--workers", "2", port=self.port, **settings)


def send(pid: int, number: signal.Signals) -> None:
    """Unless it is gone."""
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, number)
