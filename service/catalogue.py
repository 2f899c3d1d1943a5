"""What a spec can name, each with its description and the JSON Schema of its options, gathered from where each is."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from service import activations, architectures, datasets
from service.domain.augmentations import AUGMENTATIONS
from service.domain.catalogue import Catalogue, CatalogueItem, DatasetCatalogue, DatasetItem, PresetItem, PresetList
from service.domain.field_errors import nearest_first
from service.domain.optimizers import OPTIMIZERS
from service.domain.presets import PRESETS
from service.domain.record import Record
from service.domain.schedules import SCHEDULES
from service.domain.spec import DatasetChoice, ExperimentSpec
from service.errors import NotFoundError

Item = TypeVar("Item", bound=CatalogueItem | PresetItem)

_NO_OPTIONS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


@cache
def all_datasets() -> DatasetCatalogue:
    """Every data set with its facts."""
    return DatasetCatalogue(
        items=tuple(
            DatasetItem(
                name=name,
                description=datasets.facts(name).description,
                options=_options(DatasetChoice),
                facts=datasets.facts(name),
            )
            for name in datasets.names()
        )
    )


@cache
def all_architectures() -> Catalogue:
    """Every architecture."""
    return Catalogue(
        items=tuple(
            CatalogueItem(
                name=name,
                description=architectures.description(name),
                options=_options(architectures.options_class(name)),
            )
            for name in architectures.names()
        )
    )


@cache
def all_activations() -> Catalogue:
    """Every activation, in the order in which they are taught."""
    return Catalogue(
        items=tuple(
            CatalogueItem(name=name, description=activations.description(name), options=_NO_OPTIONS)
            for name in activations.names()
        )
    )


@cache
def all_augmentations() -> Catalogue:
    """Every augmentation of the training images."""
    return _by_class(AUGMENTATIONS)


@cache
def all_optimizers() -> Catalogue:
    """Every optimizer."""
    return _by_class(OPTIMIZERS)


@cache
def all_schedules() -> Catalogue:
    """Every learning-rate schedule."""
    return _by_class(SCHEDULES)


@cache
def all_presets() -> PresetList:
    """Every preset with the spec that it stands for."""
    return PresetList(
        items=tuple(
            PresetItem(
                name=name,
                description=preset.description,
                spec=ExperimentSpec.model_validate({"preset": name}),
            )
            for name, preset in PRESETS.items()
        )
    )


def named(items: Sequence[Item], name: str, *, kind: str) -> Item:
    """The item of that name; `NotFoundError`, which lists those that there are, where there is none."""
    by_name = {item.name: item for item in items}
    if name not in by_name:
        raise NotFoundError(f"there is no {kind} {name[:60]!r}; there are: {nearest_first(name[:60], list(by_name))}")
    return by_name[name]


def _by_class(classes: Sequence[type[Record]]) -> Catalogue:
    return Catalogue(
        items=tuple(
            CatalogueItem(
                name=each.model_fields["name"].default,
                description=(each.__doc__ or "").partition("\n")[0],
                options=_options(each),
            )
            for each in classes
        )
    )


def _options(record: type[Record]) -> dict[str, Any]:
    """The schema of what can stand beside the name, which is said already."""
    schema = record.model_json_schema()
    properties = {field: facts for field, facts in schema.pop("properties", {}).items() if field != "name"}
    required = [field for field in schema.pop("required", ()) if field != "name"]
    return schema | {"properties": properties} | ({"required": required} if required else {})
