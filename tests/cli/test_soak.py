"""R12 for a short while: runs and clients come and go, and memory, open files and the database's log stay flat."""

import random

from tests.torture import soak


def test_what_a_service_holds_does_not_grow_with_what_it_has_done() -> None:
    """Eight sweeps of forty runs. Red where a worker keeps a megabyte of each run, or a file open."""
    outcome = soak.torment(0.0, random.Random(0))
    assert outcome.lost == (), outcome.remark
