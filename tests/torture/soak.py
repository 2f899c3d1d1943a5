"""R12: hundreds of small runs and clients that read; memory, open files and the database's log stay flat."""

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.cli.conftest import descendants
from tests.served import Served, served
from tests.torture import Outcome

RUNS_AT_ONCE = 40
FEWEST_ROUNDS = 8
READERS = 4
WARM_UP = 1 / 3
"""Of the rounds: caches fill, libraries are loaded."""
GROWTH, GROWTH_MB = 1.1, 16
"""What a process may hold afterwards of what it held when it was warm, and how much beside."""
MORE_FILES = 8
MOST_LOG_MB = 72
"""SQLite cuts its log back to 64 MB."""
READ = ("/v1/experiments?limit=50", "/v1/queue", "/v1/workers", "/readyz")


@dataclass(frozen=True)
class _Held:
    """By each process of the service."""

    megabytes: dict[int, float]
    files: dict[int, int]
    log: float


def torment(seconds: float, chance: random.Random) -> Outcome:
    """Sweep after sweep, of the same size, each to its end."""
    deadline = time.monotonic() + seconds
    rounds: list[_Held] = []
    calm, requests = threading.Event(), [0] * READERS
    with served(workers=2, data_dir=Path("nowhere")) as service:
        readers = [threading.Thread(target=_read, args=(service, calm, requests, each)) for each in range(READERS)]
        for reader in readers:
            reader.start()
        try:
            while len(rounds) < FEWEST_ROUNDS or time.monotonic() < deadline:
                service.sweep(_sweep(chance))
                rounds.append(_held(service))
        finally:
            calm.set()
            for reader in readers:
                reader.join()
    warm, last = rounds[int(WARM_UP * len(rounds))], rounds[-1]
    return Outcome(
        load=f"{len(rounds) * RUNS_AT_ONCE:,} runs, {sum(requests):,} requests",
        lost=tuple(_grown(warm, last)),
        remark=f"{_sum(warm)} when warm, {_sum(last)} at the end",
    )


def _sweep(chance: random.Random) -> dict[str, object]:
    base = {"dataset": {"name": "synthetic", "train_size": 200}, "epochs": 2, "batch_size": 32}
    networks = [{"name": "mlp", "hidden": [8]}, {"name": "cnn", "channels": [2], "hidden": []}]
    seeds = [chance.getrandbits(40) for _ in range(RUNS_AT_ONCE // len(networks))]
    return {"base": base, "grid": {"architecture": networks}, "seeds": seeds}


def _read(service: Served, calm: threading.Event, requests: list[int], place: int) -> None:
    with httpx.Client(base_url=service.url, timeout=30, trust_env=False) as http:
        while not calm.wait(0.05):
            for path in READ:
                with suppress(httpx.TransportError):
                    newest = http.get(path)
                    requests[place] += 1
                    if path.startswith("/v1/experiments") and newest.json()["items"]:
                        own = newest.json()["items"][0]["links"]["self"]
                        http.get(f"{own}/learning-curves")
                        http.get(f"{own}/metrics?after_epoch=1&wait=1")
                        requests[place] += 2


def _held(service: Served) -> _Held:
    megabytes, files = {}, {}
    for pid in (service.process.pid, *descendants(service.process.pid)):
        with suppress(OSError):
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            megabytes[pid] = pages * 4096 / 1e6
            files[pid] = len([*Path(f"/proc/{pid}/fd").iterdir()])
    log = service.home / "ardoise.db-wal"
    return _Held(megabytes, files, log.stat().st_size / 1e6 if log.exists() else 0.0)


def _grown(warm: _Held, last: _Held) -> list[str]:
    found = [
        f"process {pid} grew from {warm.megabytes[pid]:.0f} to {held:.0f} MB"
        for pid, held in last.megabytes.items()
        if pid in warm.megabytes and held > GROWTH * warm.megabytes[pid] + GROWTH_MB
    ]
    found += [
        f"process {pid} had {warm.files[pid]} files open, then {held}"
        for pid, held in last.files.items()
        if pid in warm.files and held > warm.files[pid] + MORE_FILES
    ]
    if last.megabytes.keys() != warm.megabytes.keys():
        found.append("a process was replaced")
    if last.log > MOST_LOG_MB:
        found.append(f"the database's log has {last.log:.0f} MB")
    return found


def _sum(held: _Held) -> str:
    return f"{sum(held.megabytes.values()):,.0f} MB, {sum(held.files.values())} files, log {held.log:.1f} MB"
