"""R5 for longer: sixteen writers of forty transactions each, half of them processes, with eight who look on."""

import random
import tempfile
import time
from pathlib import Path

from service.storage import Database, migrations
from tests.storage.conftest import Bench
from tests.storage.test_concurrency import compete
from tests.torture import Outcome

PROCESSES, THREADS, TIMES, POLLERS = 8, 8, 40, 8


def torment(seconds: float, chance: random.Random) -> Outcome:  # it is the scheduler that decides
    """A locked database, or an update that is lost, raises."""
    deadline = time.monotonic() + seconds
    rounds = looks = 0
    while rounds == 0 or time.monotonic() < deadline:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Database(f"sqlite:///{Path(folder) / 'ardoise.db'}"))
            migrations.upgrade(bench.database)
            looks += compete(bench, processes=PROCESSES, threads=THREADS, times=TIMES, pollers=POLLERS)
            bench.database.close()
        rounds += 1
    transactions = rounds * (PROCESSES + THREADS) * TIMES
    return Outcome(load=f"{transactions:,} transactions, {looks:,} reads", remark="no update lost, never locked")
