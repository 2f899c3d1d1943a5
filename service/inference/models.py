"""Loaded networks, kept while there is room: the one that was asked for longest ago makes way."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service import checkpoints
from service.domain.checkpoint import Checkpoint
from service.domain.manifest import Manifest
from service.telemetry.measures import EVICTIONS, HITS, LOADS

if TYPE_CHECKING:
    from torch import nn

CAPACITY_BYTES = 512 * 1024 * 1024
"""Of weights; the newest is kept however large it is."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network in evaluation mode, and what it is."""

    network: "nn.Sequential"
    manifest: Manifest
    bytes: int


class Models:
    """Safe from any thread; of several that ask for the same network at once, one loads it and the others wait."""

    def __init__(self, artifacts: Path, *, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._artifacts = artifacts
        self._capacity = capacity_bytes
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, Future[Model]] = OrderedDict()
        """By the folder of their files, which never change."""

    def get(self, checkpoint: Checkpoint) -> Model:
        """The checkpoint's network; `DamagedCheckpointError` where its files are not what was stored."""
        with self._lock:
            future = self._loaded.get(checkpoint.folder)
            mine = future is None
            if future is None:
                future = self._loaded[checkpoint.folder] = Future()
            self._loaded.move_to_end(checkpoint.folder)
        if mine:
            self._load(checkpoint, future)
        return future.result()

    def loaded(self, checkpoint: Checkpoint) -> Model | None:
        """The checkpoint's network where it is there at once; never waits for one that is being loaded."""
        with self._lock:
            future = self._loaded.get(checkpoint.folder)
            if future is None or not _is_loaded(future):
                return None
            self._loaded.move_to_end(checkpoint.folder)
        HITS.add()
        return future.result()

    def forget(self, folder: str) -> None:
        """Drop what was loaded from there: a checkpoint's folder, or one of several such that are deleted."""
        with self._lock:
            for key, future in list(self._loaded.items()):
                if f"{key}/".startswith(f"{folder}/") and _is_loaded(future):
                    del self._loaded[key]

    def __len__(self) -> int:
        with self._lock:
            return len(self._loaded)

    def _load(self, checkpoint: Checkpoint, future: "Future[Model]") -> None:
        try:
            network, manifest = checkpoints.load_network(self._artifacts, checkpoint)
        except BaseException as error:  # noqa: BLE001  # whoever waits gets the same error; the next to ask tries again
            with self._lock:
                self._loaded.pop(checkpoint.folder, None)
            future.set_exception(error)
            return
        LOADS.add()
        future.set_result(Model(network=network, manifest=manifest, bytes=checkpoint.weights.bytes))
        with self._lock:
            self._make_room(keep=checkpoint.folder)

    def _make_room(self, *, keep: str) -> None:
        sizes = {key: each.result().bytes for key, each in self._loaded.items() if _is_loaded(each)}
        surplus = sum(sizes.values()) - self._capacity
        for key, size in sizes.items():
            if surplus > 0 and key != keep:
                del self._loaded[key]
                EVICTIONS.add()
                surplus -= size


def _is_loaded(future: "Future[Model]") -> bool:
    return future.done() and future.exception() is None
