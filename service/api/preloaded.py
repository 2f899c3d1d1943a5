"""What every API process needs, imported once: the fork server imports this, and the API processes are forked from it.

They share the memory of what was imported, and start within half a second. Nothing may be computed here, and nothing
imported that starts a thread, as ONNX Runtime does: threads do not survive a fork, and what they hold stays held.
"""

import gc
import importlib

from service.api.replica import answer

__all__ = ["answer"]

_NAMES = (
    "service.app",
    "service.architectures._describe",
    "service.architectures._function",
    "service.inference.exporting.onnx_nodes",
    "torch",
    "onnx",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.special",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "anyio._backends._asyncio",
)
for _name in _NAMES:
    importlib.import_module(_name)
# What is frozen is never written to by the collector, and its pages stay shared: docs.python.org/3/library/gc.html.
gc.collect()
gc.freeze()
