"""What an exported network says of itself: enough to feed it and to understand its answers without Ardoise."""

import json
from enum import StrEnum

from service.domain.dataset import Framing
from service.domain.record import Record
from service.domain.spec import ActivationName, Architecture


class ExportFormat(StrEnum):
    """How a trained network leaves the service; each value is also the end of its files' names."""

    ONNX = "onnx"
    SAFETENSORS = "safetensors"
    PT2 = "pt2"


EXPORT_PATHS = {ExportFormat.ONNX: "onnx", ExportFormat.SAFETENSORS: "safetensors", ExportFormat.PT2: "exported"}
"""Where each is below `/v1/experiments/{id}/checkpoints/{checkpoint}/`."""


CARD = "ardoise.json"
"""Under which every exported file holds its whole card: in its metadata or, of a package, among its extra files."""


class ExportPreprocessing(Record):
    """What is done to an image before the network sees it; with `Framing`, from any picture on."""

    image_size: int
    mean: float
    std: float
    """Inputs are standardised as `(grey / 255 - mean) / std`."""
    standardised_inside: bool
    """True where the file does that itself and takes greys of 0..255; False where it holds the weights alone."""
    framing: Framing
    """Where the ink lies in an image of `native_size`, bright on a ground of 0."""
    native_size: int


class ExportCard(Record):
    """The metadata of an exported file."""

    format: ExportFormat
    ardoise: str
    """The version that wrote it."""
    experiment_id: str
    epoch: int
    weights_sha256: str
    """Of the stored weights that it was made from."""
    dataset: str
    architecture: Architecture
    activation: ActivationName
    labels: tuple[str, ...]
    """Of the outputs, in their order."""
    preprocessing: ExportPreprocessing
    test_accuracy: float | None
    """Of these weights; null where they are not those that were tested."""


def as_json(card: ExportCard, **more: object) -> str:
    """The card as one text, with what a short program would have to reckon from it.

    `size` is what a picture is resized to, `shape` that of a batch of one; `zero` is the grey of 0..255 that the
    network sees as 0 and `unit` how many greys it sees as 1, where the file does not standardise inside.
    """
    done, side = card.preprocessing, card.preprocessing.image_size
    derived = {"size": [side] * 2, "shape": [1, 1, side, side], "zero": 255 * done.mean, "unit": 255 * done.std}
    return json.dumps(card.model_dump(mode="json") | more | derived)


def as_strings(card: ExportCard, **more: object) -> dict[str, str]:
    """The card as text by name, as headers of files keep it: a string is itself, all else is JSON; whole as `CARD`."""
    facts = card.model_dump(mode="json") | more
    strings = {name: value if isinstance(value, str) else json.dumps(value) for name, value in facts.items()}
    return strings | {CARD: as_json(card, **more)}
