"""The catalogue of data sets: one file each, and the file name is the public name.

A data set is a module with `FACTS`, what is known of it before any of it is read, `FILES`, the paths below the data
folder that it is read from, and `load(*, data_dir, mirror)`, its two splits. It imports torch, torchvision and
scikit-learn only inside `load`, so that the catalogue can be read without them. A file beginning with `_` is none.
"""

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from service.datasets import _cache
from service.datasets._stratify import stratified_split
from service.datasets._tensors import Dataset, Split, standardisation, standardise
from service.domain.dataset import DatasetFacts

__all__ = [
    "Dataset",
    "Split",
    "decode",
    "facts",
    "is_decoded",
    "is_here",
    "load",
    "names",
    "standardisation",
    "standardise",
    "stratified_split",
    "version",
]


class _CatalogueEntry(Protocol):
    """What a module in this folder offers."""

    FACTS: DatasetFacts
    FILES: tuple[str, ...]

    def load(self, *, data_dir: Path, mirror: str | None) -> Dataset: ...


@cache
def names() -> tuple[str, ...]:
    """The public names, sorted; no data set is imported for it."""
    return tuple(sorted(file.name for file in pkgutil.iter_modules(__path__) if not file.name.startswith("_")))


def facts(name: str) -> DatasetFacts:
    """What is known of it without reading it; ValueError where there is no such data set."""
    return _entry(name).FACTS


def is_here(name: str, *, data_dir: Path) -> bool:
    """True where `load` needs no download; ValueError where there is no such data set."""
    return all((data_dir / file).is_file() for file in _entry(name).FILES)


def version(name: str, *, data_dir: Path) -> str | None:
    """Another wherever `load` may give other bytes of the data set, of its own size or resized, than it gave before.

    Nothing of it is read. None where `load` would download; ValueError where there is no such data set.
    """
    return _cache.made_from(_sources(name, data_dir))


def load(
    name: str,
    *,
    data_dir: Path,
    mirror: str | None = None,
    image_size: int | None = None,
    cache_dir: Path | None = None,
) -> Dataset:
    """Both splits, of the data set's own size or resized to image_size x image_size.

    What is not bundled is read from `data_dir`, or else downloaded into it first, from `mirror` where one is given
    (`_torchvision` says how the files lie there). Raises DatasetUnavailableError where that cannot be done, and
    ValueError where there is no such data set. The same call gives the same bytes.

    With `cache_dir` it is decoded and resized once, and then the tensors are mapped from files there, which all
    processes share (`_cache`): nobody may write to them. Without, every call decodes anew.
    """
    entry, sources = _entry(name), _sources(name, data_dir)

    def cached(stored_as: str, make: Callable[[], Dataset]) -> Dataset:
        return make() if cache_dir is None else _cache.load(stored_as, make, cache_dir=cache_dir, sources=sources)

    def own_size() -> Dataset:
        return cached(name, lambda: entry.load(data_dir=data_dir, mirror=mirror))

    if image_size is None or image_size == entry.FACTS.image_size:
        return own_size()
    return cached(_stored_as(name, image_size), lambda: own_size().resized(image_size))


def is_decoded(name: str, *, data_dir: Path, image_size: int | None = None, cache_dir: Path) -> bool:
    """True where `load` maps what lies in `cache_dir`; ValueError where there is no such data set."""
    return _cache.holds(_stored_as(name, image_size), cache_dir=cache_dir, sources=_sources(name, data_dir))


def decode(name: str, *, data_dir: Path, image_size: int | None = None, cache_dir: Path) -> None:
    """Into `cache_dir`, for others to map; arguments and errors as `load`."""
    load(name, data_dir=data_dir, image_size=image_size, cache_dir=cache_dir)


def _stored_as(name: str, image_size: int | None) -> str:
    return name if image_size in (None, _entry(name).FACTS.image_size) else f"{name}-{image_size}"


def _sources(name: str, data_dir: Path) -> list[Path]:
    return [data_dir / file for file in _entry(name).FILES]


def _entry(name: str) -> _CatalogueEntry:
    if name not in names():
        raise ValueError(f"no data set {name!r}; there are {', '.join(names())}")
    return cast("_CatalogueEntry", importlib.import_module(f"{__name__}.{name}"))
