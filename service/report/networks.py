"""The ledger of a spec's network, as often as it is asked for."""

from functools import lru_cache

from service import architectures, counterparts, datasets
from service.domain.ledger import Ledger
from service.domain.preview import Counterpart
from service.domain.spec import ExperimentSpec


def ledger(spec: ExperimentSpec) -> Ledger:
    """Layer by layer."""
    return _ledger(spec)[0]


def counterpart(spec: ExperimentSpec) -> Counterpart | None:
    """The dense network beside a convolutional one, or the other way round."""
    return _ledger(spec)[1]


@lru_cache(maxsize=128)
def _ledger(spec: ExperimentSpec) -> tuple[Ledger, Counterpart | None]:
    side, classes = spec.dataset.side, len(datasets.facts(spec.dataset.name).labels)
    found = architectures.ledger(spec.architecture, activation=spec.activation, image_size=side, classes=classes)
    return found, counterparts.counterpart(found, activation=spec.activation, image_size=side, classes=classes)
