"""A spec looked at before, or apart from, its run; and what a finished run shows of its hidden layers."""

from typing import Literal

from service.domain.ledger import Ledger
from service.domain.linearity import Linearity
from service.domain.record import Record
from service.domain.spec import Architecture, ExperimentSpec


class Counterpart(Record):
    """A network of the other kind with as many layers with weights, for the same images and classes."""

    kind: Literal["dense", "convolutional"]
    rule: str
    """How its widths were chosen."""
    architecture: Architecture
    """As a spec takes it."""
    ledger: Ledger
    parameter_ratio: float
    """Parameters of the dense one over those of the convolutional one."""
    multiply_accumulate_ratio: float
    """Multiply-accumulates of the dense one over those of the convolutional one."""


class EpochEstimate(Record):
    """How long an epoch is likely to take."""

    seconds: float
    from_runs: int
    """Completed runs of this machine that it rests on."""
    basis: str
    """Which they are, and how the figure follows from theirs."""


class Preview(Record):
    """The spec with every default written out, and the network that it describes."""

    spec: ExperimentSpec
    spec_hash: str
    parameters: int
    ledger: Ledger
    counterpart: Counterpart | None
    """Null for a network without a hidden layer: a convolution as wide as the image would be that very network."""
    epoch_estimate: EpochEstimate | None
    """Null where no run of such a network is completed on this machine."""


class Model(Preview, Linearity):
    """The same of a stored experiment, with what its hidden layers add once it has ended."""
