"""How many threads a run computes with: as many as its network is worth, and none that spins beside other workers'.

Measured on two cores: a dense or small convolutional network is not quicker with two threads; two of a kernel's own
threads beside another busy process wait for each other up to a hundred times longer than they compute, whatever
OMP_WAIT_POLICY says; the threads of `workers/team.py`, which block, do not.
"""

from functools import lru_cache

from service import architectures
from service.domain.architecture import ArchitectureOptions
from service.domain.spec import ExperimentSpec
from workers.team import SHARES

WORTH_THREADS = 50_000_000
"""Multiply-accumulates of a batch, forward: below, a step is over in a few milliseconds, and most of what a second
thread would save is lost to meeting."""


def worth_it(spec: ExperimentSpec) -> bool:
    """True where the work of a batch is worth more than one thread; it depends on the spec alone."""
    return multiply_accumulates(spec) >= WORTH_THREADS


def multiply_accumulates(spec: ExperimentSpec) -> int:
    """Of a batch on its way forward."""
    return _multiply_accumulates(spec.architecture, spec.activation, spec.dataset.side) * spec.batch_size


@lru_cache(maxsize=256)
def _multiply_accumulates(architecture: ArchitectureOptions, activation: str, image_size: int) -> int:
    """Of one image on its way forward."""
    return architectures.ledger(
        architecture, activation=activation, image_size=image_size, classes=10
    ).multiply_accumulates


def of_kernels(spec: ExperimentSpec, *, available: int, shared: bool) -> int:
    """Threads of each kernel, where a worker may have so many; with `shared` several kernels run at once."""
    if not worth_it(spec):
        return 1
    return max(1, available // SHARES) if shared else available
