"""Thousands of made-up requests, those that follow from earlier answers included, while workers train (P2)."""

import random
import tempfile
from pathlib import Path

from tests.fuzzed import fuzz
from tests.served import served
from tests.torture import Outcome

EXAMPLES = 20


def torment(seconds: float, chance: random.Random) -> Outcome:
    """One service, asked until the time is over; it must then be as ready as before."""
    with tempfile.TemporaryDirectory() as data, served(workers=1, data_dir=Path(data)) as service:
        fuzzed = fuzz(
            service.url,
            seconds=seconds,
            examples=EXAMPLES,
            seed=chance.getrandbits(32),
            phases="examples,coverage,fuzzing,stateful",
        )
        lost = [*fuzzed.failures]
        if fuzzed.failures:
            lost.append(fuzzed.said)
        if not service.client.ready():
            lost.append("the service is not ready any more")
        runs = service.client.queue().queued
    return Outcome(load=f"{runs} runs left in the queue", inputs=fuzzed.requests, lost=tuple(lost))
