"""How long an epoch of a spec is likely to take on this machine, by the runs that it has completed.

Runs of the same work come first: the same network, data set, training images, batch size, optimizer by name, precision
and device. Where there is none, those of the same architecture and precision whatever their size, then those of the
same kind, with or without convolutions, are scaled by their multiply-accumulates. "This machine" is the host that a
worker's name begins with.
"""

import socket
from collections.abc import Sequence
from fractions import Fraction

from service import architectures, datasets
from service.analysis import epoch_time
from service.analysis.epoch_time import Work
from service.domain.ledger import Ledger
from service.domain.preview import EpochEstimate
from service.domain.spec import ExperimentSpec
from service.domain.timing import Timing
from service.storage import Session, timings

SAME, SIMILAR = 20, 50
"""Runs looked at."""


def epoch(session: Session, spec: ExperimentSpec, ledger: Ledger) -> EpochEstimate | None:
    """None where no such run is completed here."""
    host = socket.gethostname()
    choice = {"dataset": spec.dataset.name, "architecture": spec.architecture.name, "activation": spec.activation}
    found = timings.recent(session, host=host, limit=SAME, **choice)
    same = [each for each in found if _is_same(each.spec, spec)]
    if same:
        return epoch_time.from_same(same)
    architecture = spec.architecture.name
    alike = _comparable(timings.recent(session, host=host, limit=SIMILAR, architecture=architecture), spec)
    works = [_work(each) for each in alike]
    kind = f"{architecture} networks"
    if not works:
        alike = _comparable(timings.recent(session, host=host, limit=SIMILAR), spec)
        convolutional = ledger.convolutions > 0
        works = [_work(each) for each in alike if (_ledger(each.spec).convolutions > 0) == convolutional]
        kind = f"networks {'with' if convolutional else 'without'} convolutions"
    if not works:
        return None
    return epoch_time.scaled(ledger.multiply_accumulates * _training_images(spec), works, kind=kind)


def _comparable(found: Sequence[Timing], spec: ExperimentSpec) -> list[Timing]:
    return [each for each in found if (each.spec.precision, each.spec.device) == (spec.precision, spec.device)]


def _is_same(one: ExperimentSpec, other: ExperimentSpec) -> bool:
    return _facts(one) == _facts(other)


def _facts(spec: ExperimentSpec) -> tuple[object, ...]:
    choice = spec.dataset
    return (
        *(spec.architecture, spec.activation, spec.optimizer.name, spec.batch_size, spec.precision, spec.device),
        *(choice.name, choice.side, choice.augmentation, _training_images(spec)),
    )


def _work(timing: Timing) -> Work:
    return Work(timing, _ledger(timing.spec).multiply_accumulates * _training_images(timing.spec))


def _ledger(spec: ExperimentSpec) -> Ledger:
    return architectures.ledger(
        spec.architecture,
        activation=spec.activation,
        image_size=spec.dataset.side,
        classes=len(datasets.facts(spec.dataset.name).labels),
    )


def _training_images(spec: ExperimentSpec) -> int:
    """An epoch goes through these once; validation has its share of the time, too, in proportion."""
    choice = spec.dataset
    if choice.train_size is not None:
        return choice.train_size
    images = datasets.facts(choice.name).train_images
    return images - round(images * Fraction(str(choice.validation_fraction)))
