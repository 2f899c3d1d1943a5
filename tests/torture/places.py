"""R1 for longer: a run's workers are killed at named places, in any order and at any time of passing by."""

import random
import signal
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from service.failpoints import Point
from service.settings import Settings
from service.storage import queue
from tests import armed
from tests.torture import Outcome
from tests.workers.conftest import PATIENCE_SECONDS, Bench, opened
from tests.workers.test_failpoints import DELICATE
from tests.workers.test_loss import Ended

OF_WORKERS = [point for point in Point if not point.startswith("api.")]
LATEST = 30
"""Of the times that a worker passes by a place, it dies at one of the first so many."""


def torment(seconds: float, chance: random.Random) -> Outcome:
    """Run after run, each to its end, against the same run that nothing has happened to."""
    deadline = time.monotonic() + seconds
    runs = kills = 0
    lost: list[str] = []
    places: set[Point] = set()
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        undisturbed = bench.submit(**DELICATE)
        bench.work()
        expected = Ended.of(bench, undisturbed)
        while runs == 0 or time.monotonic() < deadline:
            victim = bench.submit(**DELICATE)
            runs += 1
            while not bench.get(victim).state.ended:
                place = chance.choice(OF_WORKERS)
                if _killed(bench, victim, f"{place}:kill@{chance.randint(1, LATEST)}"):
                    kills += 1
                    places.add(place)
            if Ended.of(bench, victim) != expected:
                lost.append(f"run {victim} did not end as it does undisturbed")
    return Outcome(
        load=f"{runs} runs",
        faults=kills,
        lost=tuple(lost),
        remark=f"killed at {len(places)} of {len(OF_WORKERS)} places",
    )


def _killed(bench: Bench, victim: str, armed_with: str) -> bool:
    """False where the run ended before that."""
    settings = Settings(home=bench.home)
    with armed.worker(settings, armed_with) as worker:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while worker.exitcode is None and not bench.get(victim).state.ended:
            assert time.monotonic() < deadline, f"{armed_with}: neither killed nor at an end"
            worker.join(0.02)
    killed = worker.exitcode == -signal.SIGKILL
    with bench.database.writing() as session:
        queue.release_worker(
            session, armed.name_of(worker), max_failures=1000, now=datetime.now(UTC), why="it was killed"
        )
    return killed
