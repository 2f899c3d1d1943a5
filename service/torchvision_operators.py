"""Importing torchvision's data sets where its native extension does not load.

torchvision registers shape functions for two of its C++ operators, `nms` and `qnms`, without asking whether they are
there (`torchvision/_meta_registrations.py`; every other registration asks). A torchvision built for CUDA beside a torch
built for the CPU cannot load its extension, so that `import torchvision` ends in `operator torchvision::nms does not
exist`, although the data sets need no operator at all. Declaring the two, without an implementation, is enough.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

_lock = threading.Lock()
_declarations: "list[torch.library.Library]" = []
"""Kept for the life of the process: torch takes a declaration back when its `Library` is collected."""


def import_torchvision_datasets() -> ModuleType:
    """The module `torchvision.datasets`; from any thread, any number of times.

    The operators are declared only where torchvision has not been imported and its extension does not load.
    """
    with _lock:
        if "torchvision" not in sys.modules and not _extension_loads():
            _declare_missing_operators()
        return importlib.import_module("torchvision.datasets")


def _extension_loads() -> bool:
    """Whether torch takes the library that torchvision itself is about to load; loading it twice does no harm."""
    import torch

    package = importlib.util.find_spec("torchvision")
    if package is None or not package.submodule_search_locations:
        return False
    folder = package.submodule_search_locations[0]
    details = (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
    extension = importlib.machinery.FileFinder(folder, details).find_spec("_C")
    if extension is None or extension.origin is None:
        return False
    try:
        torch.ops.load_library(extension.origin)  # type: ignore[no-untyped-call]  # torch has no types here
    except OSError:
        return False
    return True


def _declare_missing_operators() -> None:
    import torch

    for name, schema in _SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]  # nor here
            library.define(schema)  # type: ignore[no-untyped-call]  # nor here
            _declarations.append(library)
