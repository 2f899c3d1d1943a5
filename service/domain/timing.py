"""How long the epochs of a completed run took."""

from service.domain.record import Record
from service.domain.spec import ExperimentSpec


class Timing(Record):
    """One run, as an estimate needs it."""

    spec: ExperimentSpec
    epoch_seconds: float
    """Median of its first epochs."""
    trained_beside: int
    """How many others were trained in the same steps at its start: its epochs took as long as all of theirs."""
