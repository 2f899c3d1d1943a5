"""What a checkpoint folder says of itself: enough to rebuild the network and to feed it, without the database."""

from typing import Annotated, Literal

from pydantic import Field

from service.domain.dataset import Framing
from service.domain.record import Record
from service.domain.spec import ActivationName, Architecture


class Manifest(Record):
    """Written last into the folder; its JSON is for people, too."""

    format: Literal[1] = 1
    experiment_id: str
    spec_hash: str
    epoch: int
    architecture: Architecture
    activation: ActivationName
    image_size: Annotated[int, Field(ge=1)]
    labels: tuple[str, ...]
    mean: float
    std: float
    """Inputs are `(grey / 255 - mean) / std`."""
    framing: Framing
    native_size: int
    """The image size that the framing is given for."""
