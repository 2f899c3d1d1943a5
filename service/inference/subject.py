"""A network with an image before it: what is looked at when a network is looked into."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from service import datasets
from service.domain.prediction import CheckpointName, Prediction, Preprocessing
from service.domain.saliency import Pair
from service.domain.subject import OwnSplit, SubjectFacts
from service.inference.decode import Picture
from service.inference.layers import within, wrong_parameter
from service.inference.models import Model
from service.inference.numbers import listed
from service.inference.predict import framed, prediction

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Opened:
    """The network of a checkpoint, and what the checkpoint is called."""

    model: Model
    experiment_id: str
    checkpoint: CheckpointName

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes by name."""
        return self.model.manifest.labels


@dataclass(frozen=True)
class OwnImage:
    """An image of the run's own data set, by its place."""

    split: OwnSplit
    index: int


@dataclass(frozen=True, eq=False)
class Subject:
    """One image, framed for this network."""

    opened: Opened
    pixels: np.ndarray
    """float32 `(side, side)`, 0..255."""
    preprocessing: Preprocessing
    own: OwnImage | None = None
    label: int | None = None

    @property
    def model(self) -> Model:
        """The network that it is framed for."""
        return self.opened.model

    def batch(self, pixels: np.ndarray | None = None) -> "torch.Tensor":
        """The network's input `(n, 1, side, side)` of these pixels `(n, side, side)`; of the image where none."""
        import torch

        # Copied, since floats are standardised in place.
        given = torch.tensor(self.pixels[None] if pixels is None else pixels)
        return datasets.standardise(given, mean=self.model.manifest.mean, std=self.model.manifest.std)

    @cached_property
    def logits(self) -> "torch.Tensor":
        """`(classes,)`."""
        import torch

        with torch.inference_mode():
            logits: torch.Tensor = self.model.network(self.batch())[0]
            return logits

    @cached_property
    def prediction(self) -> Prediction:
        """What the network reads."""
        return prediction(self.logits, labels=self.opened.labels, preprocessing=self.preprocessing)

    def pair(self, asked: Pair) -> tuple[int, int]:
        """The digit and the one that it is held against; `InvalidSpecError` where there is no such class, or one."""
        order = [int(each) for each in self.logits.argsort(descending=True, stable=True)]
        digit = order[0] if asked.digit is None else self._known("digit", asked.digit)
        if asked.against is None:
            return digit, next(each for each in order if each != digit)
        against = self._known("against", asked.against)
        if against == digit:
            raise wrong_parameter("against", f"{against} is the digit itself: it must be another")
        return digit, against

    def looked(self) -> dict[str, Any]:
        """The fields of `Looked`, for a record that begins with them."""
        manifest, own = self.model.manifest, self.own
        facts = SubjectFacts(
            split=own.split if own else None,
            index=own.index if own else None,
            label=self.label,
            pixels=listed(self.pixels),
            mean=manifest.mean,
            std=manifest.std,
            preprocessing=self.preprocessing,
        )
        opened = self.opened
        return {
            "experiment_id": opened.experiment_id,
            "checkpoint": opened.checkpoint,
            "labels": opened.labels,
            "image": facts,
        }

    def _known(self, name: str, digit: int) -> int:
        return within(name, digit, len(self.opened.labels))


def of_picture(opened: Opened, picture: Picture) -> Subject:
    """An image that was sent, framed as those to be predicted are."""
    pixels, done = framed(picture, opened.model.manifest)
    return Subject(opened=opened, pixels=pixels, preprocessing=done)


def of_own(opened: Opened, own: OwnImage, *, image: np.ndarray, label: int) -> Subject:
    """An image of the run's own data set, which is framed already: uint8 `(side, side)`."""
    untouched = Preprocessing(inverted=False, cropped=None)
    pixels = image.astype(np.float32)
    return Subject(opened=opened, pixels=pixels, preprocessing=untouched, own=own, label=label)
