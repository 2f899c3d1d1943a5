"""What every architecture's options have in common: their base, their limits, the types of their fields."""

from typing import Annotated

from pydantic import ConfigDict, Field

from service.domain.record import Record

MAX_LAYERS = 64
"""Layers with weights, the output layer among them; normalisation is not counted."""
MAX_UNITS = 65_536

Units = Annotated[int, Field(strict=True, ge=1, le=MAX_UNITS)]
"""Width of one layer: units of a dense one, output channels of a convolution."""
HiddenLayers = Annotated[tuple[Units, ...], Field(max_length=MAX_LAYERS - 1)]
Dropout = Annotated[float, Field(strict=True, ge=0, lt=1)]
Switch = Annotated[bool, Field(strict=True)]


class ArchitectureOptions(Record):
    """Base of every `Options` in `service.architectures`; hashable, as all collections in it are tuples.

    The docstring under a field is its description in the JSON Schema of the catalogue.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str

    @property
    def strongest_dropout(self) -> float:
        """The largest probability that a unit is silenced in a training step; 0 without dropout."""
        return getattr(self, "dropout", 0.0)
