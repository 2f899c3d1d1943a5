"""R8 for longer: runs that crash, hang, want too much memory or raise, and a hundred healthy ones behind them."""

import random
import tempfile
from pathlib import Path

from service.domain.experiment import State
from tests.torture import Outcome
from tests.workers.conftest import opened
from tests.workers.test_poison import ARMED, TINY

HEALTHY = 100
ATTEMPTS = 3
REASONS = {
    "crash": "its worker ended by SIGKILL; 3 attempts in a row made no progress",
    "hang": "it had not gone on for 3 seconds; 3 attempts in a row made no progress",
    "memory": "there was not enough memory (MemoryError)",
    "raise": "the fail-point epoch.batch was armed",
}


def torment(seconds: float, chance: random.Random) -> Outcome:  # once is enough
    """Once, by a supervisor and two workers; it takes about half a minute."""
    lost: list[str] = []
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as bench:
        poison = {name: bench.submit(name=name, priority=place, **TINY) for place, name in enumerate(REASONS, 1)}
        healthy = [bench.submit(seed=chance.randrange(1000), **TINY) for _ in range(HEALTHY)]
        bench.drain(count=2, ARDOISE_FAILPOINTS=ARMED, ARDOISE_STALL_SECONDS="3", ARDOISE_LOG_LEVEL="error")
        for name, experiment_id in poison.items():
            ended = bench.get(experiment_id)
            said = ended.error.message if ended.error is not None else None
            if ended.state is not State.FAILED or ended.attempt > ATTEMPTS or said != REASONS[name]:
                lost.append(f"the run that was to {name} is {ended.state} after {ended.attempt} attempts: {said}")
        states = [bench.get(each).state for each in healthy]
        if bad := [state for state in states if state is not State.COMPLETED]:
            lost.append(f"{len(bad)} of {HEALTHY} healthy runs are {', '.join({*bad})}")
    return Outcome(load=f"{HEALTHY} runs behind {len(poison)} bad ones", faults=2 + 2 * ATTEMPTS, lost=tuple(lost))
