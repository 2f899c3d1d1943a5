"""What is known of each data set's training images, reckoned once and kept in the cache folder.

<cache>/familiarity-<data set>-<side>.safetensors  the arrays of a `Familiarity`; in its header what they were made from
"""

import hashlib
import threading
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path

import structlog

from service import datasets
from service.errors import ArdoiseError
from service.inference import familiarity
from service.inference.familiarity import Familiarity

_log = structlog.get_logger(__name__)

MOST_SIDE = 32
"""In pixels; larger images are compared at this size, for the components of 64 x 64 pixels would take a minute."""


class Acquaintance:
    """Safe from any thread. It never downloads: what is not on this machine is not known."""

    def __init__(self, *, data_dir: Path, cache_dir: Path) -> None:
        self._data_dir = data_dir
        self._cache_dir = cache_dir
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], Familiarity] = {}

    def with_dataset(self, name: str, *, image_size: int) -> Familiarity | str:
        """What is known of its training images at this size, or at the largest; a sentence that says why nothing is.

        The first call takes a second of MNIST where the cache folder has none of it.
        """
        asked = name, min(image_size, MOST_SIDE)
        if (known := self._known.get(asked)) is not None:
            return known
        if name not in datasets.names():
            return f"there is no data set {name} here"
        if not datasets.is_here(name, data_dir=self._data_dir):
            return f"the data set {name} is not on this machine, and a prediction downloads nothing"
        with self._lock:
            if asked not in self._known:
                try:
                    self._known[asked] = self._made(*asked)
                except ArdoiseError as error:
                    return error.message
            return self._known[asked]

    def _made(self, name: str, side: int) -> Familiarity:
        """The images are not looked at where what is known of them lies in the cache folder."""
        file = self._cache_dir / f"familiarity-{name}-{side}.safetensors"
        key = f"{_code()} {datasets.version(name, data_dir=self._data_dir)}"
        if (found := _stored(file, key)) is None:
            train = datasets.load(name, data_dir=self._data_dir, image_size=side, cache_dir=self._cache_dir).train
            found = familiarity.fit(train.images.numpy(), train.labels.numpy())
            _store(found, file, key)
        return found


@cache
def _code() -> str:
    """A digest of what reckons with the images."""
    return hashlib.sha256(Path(familiarity.__file__).read_bytes()).hexdigest()


def _stored(file: Path, key: str) -> Familiarity | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as stored:
            if (stored.metadata() or {}).get("key") != key:
                return None
            return Familiarity(**{each.name: stored.get_tensor(each.name) for each in fields(Familiarity)})
    except (OSError, SafetensorError):
        return None


def _store(known: Familiarity, file: Path, key: str) -> None:
    """A folder that cannot be written to costs the next process a second, no more."""
    from safetensors.numpy import save

    part = file.with_name(f".{file.name}.{threading.get_native_id()}.part")
    arrays = {each.name: getattr(known, each.name) for each in fields(known)}
    try:
        part.write_bytes(save(arrays, metadata={"key": key}))
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        _log.warning("what is known of the training images cannot be kept", file=str(file), error=str(error))
