"""What a spec can name."""

from typing import Any

from service.domain.dataset import DatasetFacts
from service.domain.record import Record
from service.domain.spec import ExperimentSpec


class CatalogueItem(Record):
    """One architecture, activation, optimizer or schedule."""

    name: str
    description: str
    options: dict[str, Any]
    """The JSON Schema of what can stand beside the name."""


class DatasetItem(CatalogueItem):
    """One data set."""

    facts: DatasetFacts


class Catalogue(Record):
    """All of one kind."""

    items: tuple[CatalogueItem, ...]


class DatasetCatalogue(Record):
    """All data sets."""

    items: tuple[DatasetItem, ...]


class PresetItem(Record):
    """One ready spec."""

    name: str
    description: str
    spec: ExperimentSpec
    """With every default written out."""


class PresetList(Record):
    """All of them."""

    items: tuple[PresetItem, ...]
