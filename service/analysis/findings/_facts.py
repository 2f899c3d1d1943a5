"""What a run's curves are held against: what guessing would give, and what of the spec shows in them."""

from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Self

from service import datasets
from service.domain.experiment import BestEpoch, Experiment, State


@dataclass(frozen=True)
class Facts:
    """Of one run; losses in nats."""

    state: State
    diverged: bool
    classes: int
    label_smoothing: float
    validation_images: int
    dropout: float
    """The largest probability that a unit is silenced in training; 0 without dropout."""
    augmentation: tuple[str, ...]
    """Those that move an image."""
    stops_early: bool
    activation: str
    best: BestEpoch | None
    """As the run itself has chosen it (`domain/selection.py`); None before there is one."""

    @classmethod
    def of(cls, experiment: Experiment) -> Self:
        """Of an experiment in any state."""
        spec = experiment.spec
        images = datasets.facts(spec.dataset.name)
        return cls(
            state=experiment.state,
            diverged=experiment.diverged,
            classes=len(images.labels),
            label_smoothing=spec.loss.label_smoothing,
            validation_images=round(images.train_images * Fraction(str(spec.dataset.validation_fraction))),
            dropout=spec.architecture.strongest_dropout,
            augmentation=tuple(each.name for each in spec.dataset.augmentation or () if each.moves),
            stops_early=spec.early_stopping is not None,
            activation=spec.activation,
            best=experiment.best,
        )

    @property
    def chance_loss(self) -> float:
        """Of the network that holds all classes for equally likely, whatever the label smoothing."""
        return log(self.classes)

    @property
    def chance_accuracy(self) -> float:
        """Of guessing, where every class is as frequent."""
        return 1 / self.classes

    @property
    def lowest_loss(self) -> float:
        """Below this no network comes: the entropy of the smoothed labels, 0 without label smoothing."""
        other = self.label_smoothing / self.classes
        right = 1 - self.label_smoothing + other
        return -right * log(right) - (self.classes - 1) * other * log(other) if other else 0.0

    def standard_error(self, accuracy: float) -> float:
        """Of an accuracy on so many validation images: binomial, two right and two wrong added.

        Agresti and Coull, The American Statistician 52 (1998): so that all of few images right is not certainty.
        """
        images = max(self.validation_images, 0) + 4
        share = (min(max(accuracy, 0.0), 1.0) * (images - 4) + 2) / images
        return float((share * (1 - share) / images) ** 0.5)
