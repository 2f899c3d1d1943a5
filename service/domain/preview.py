"""A spec looked at before, or apart from, its run."""

from service.domain.ledger import Ledger
from service.domain.record import Record
from service.domain.spec import ExperimentSpec


class Preview(Record):
    """The spec with every default written out, and the network that it describes."""

    spec: ExperimentSpec
    spec_hash: str
    parameters: int
    ledger: Ledger
