"""Whether a run of the same spec gave the same numbers."""

from collections.abc import Sequence
from itertools import zip_longest

from service.domain.experiment import Reproduction
from service.domain.metrics import EpochMetrics

COMPARED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")


def compare(of: str, theirs: Sequence[EpochMetrics], ours: Sequence[EpochMetrics]) -> Reproduction:
    """Hold two series against each other to the bit; `difference` is ours less theirs, null where one has none."""
    for one, other in zip_longest(theirs, ours):
        if one is None or other is None:
            return Reproduction(of=of, identical=False, first_different_epoch=(one or other).epoch, field="epoch")
        for name in COMPARED:
            a, b = getattr(one, name), getattr(other, name)
            if a != b:
                difference = b - a if a is not None and b is not None else None
                return Reproduction(
                    of=of, identical=False, first_different_epoch=other.epoch, field=name, difference=difference
                )
    return Reproduction(of=of, identical=True)
