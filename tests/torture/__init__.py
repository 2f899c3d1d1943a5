"""Promises of the service, put to the test for longer than `make test` has time for: `make torture`.

A file here offers `torment(seconds, chance)`, which goes on for about so long, takes all its decisions from `chance`,
and says in an `Outcome` what it has done and what was lost. Nothing must be.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What came of one part."""

    load: str
    """What the service had to do meanwhile, such as "120 runs, 3,400 requests"."""
    faults: int = 0
    """Processes killed or stopped, clocks set, disks filled: whatever a machine does to a service."""
    inputs: int = 0
    """Bad requests, specs, images: whatever people send."""
    lost: tuple[str, ...] = ()
    """A sentence for each broken promise."""
    remark: str = ""
    """What was measured on the way."""
