"""Exported files, kept while there is room: the one that was asked for longest ago makes way."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.domain.export import ExportCard, ExportFormat
from service.inference.exporting import onnx_file, safetensors_file, torch_package
from service.inference.models import Model

CAPACITY_BYTES = 64 * 1024 * 1024
"""Of files; a larger one is made anew for each who asks."""

_WRITERS: Mapping[ExportFormat, Callable[[Model, ExportCard], tuple[bytes, float]]] = {
    ExportFormat.ONNX: onnx_file.write,
    ExportFormat.SAFETENSORS: safetensors_file.write,
    ExportFormat.PT2: torch_package.write,
}


@dataclass(frozen=True, eq=False)
class Exported:
    """A file to be downloaded."""

    content: bytes
    sha256: str
    parity: float
    """The largest difference of a logit between this file and the checkpoint, found when it was written."""


class Exports:
    """Safe from any thread; of several that ask for the same file at once, one makes it and the others wait.

    One file of a format is made at a time, so that a crowd cannot fill the machine with compilers.
    """

    def __init__(self, *, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity = capacity_bytes
        self._lock = threading.Lock()
        self._making = {each: threading.Lock() for each in ExportFormat}
        self._kept: OrderedDict[ExportCard, Exported] = OrderedDict()

    def kept(self, card: ExportCard) -> Exported | None:
        """The file that this would be the card of, where it has been made already."""
        with self._lock:
            if card in self._kept:
                self._kept.move_to_end(card)
            return self._kept.get(card)

    def get(self, card: ExportCard, model: Model) -> Exported:
        """The file of this network with this card; `UnexportableError` where the format cannot hold it."""
        with self._making[card.format]:
            found = self.kept(card)
            if found is None:
                content, difference = _WRITERS[card.format](model, card)
                found = Exported(content=content, sha256=hashlib.sha256(content).hexdigest(), parity=difference)
                self._keep(card, found)
            return found

    def forget(self, experiment_id: str) -> None:
        """Drop what was made of an experiment that is deleted."""
        with self._lock:
            for card in [each for each in self._kept if each.experiment_id == experiment_id]:
                del self._kept[card]

    def _keep(self, card: ExportCard, made: Exported) -> None:
        with self._lock:
            self._kept[card] = made
            surplus = sum(len(each.content) for each in self._kept.values()) - self._capacity
            for other, found in [*self._kept.items()]:
                if surplus > 0:
                    del self._kept[other]
                    surplus -= len(found.content)
