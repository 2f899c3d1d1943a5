"""P1 for longer: the queue against a model of it, as long as there is time, on a real SQLite file."""

import random
import shutil
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from service.storage import Database, migrations
from tests.storage.conftest import Bench
from tests.storage.test_queue_model import QueueMachine
from tests.torture import Outcome

EXAMPLES = 20
STEPS = 60


def torment(seconds: float, chance: random.Random) -> Outcome:
    """Twenty stories of sixty steps at a time."""
    deadline = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.db"
        database = Database(f"sqlite:///{empty}")
        migrations.upgrade(database)
        database.close()

        class Told(QueueMachine):
            stories = steps = losses = 0

            def __init__(self) -> None:
                super().__init__()
                Told.stories += 1
                self.bench = Bench(Database(f"sqlite:///{shutil.copy(empty, Path(folder) / 'story.db')}"))

            @invariant()
            def is_counted(self) -> None:
                Told.steps += 1

            def teardown(self) -> None:
                Told.losses += self.model.losses
                self.bench.database.close()
                for file in Path(folder).glob("story.db*"):
                    file.unlink()

        while time.monotonic() < deadline:
            run_state_machine_as_test(
                seed(chance.getrandbits(32))(Told),
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    database=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
            )
    return Outcome(load=f"{Told.stories:,} stories, {Told.steps:,} steps", faults=Told.losses)
