"""Why something has failed, as it is stored for its readers."""

import traceback

import torch

from service.domain.experiment import Failure

TRACEBACK_LINES = 20


def described(error: Exception, *, traced: bool = True) -> Failure:
    """Its type, what it says and, where it is `traced`, where it came from; want of memory by its own name."""
    tail = "".join(traceback.format_exception(error)).splitlines()[-TRACEBACK_LINES:]
    kind, message = type(error).__name__, str(error)
    if ran_out_of_memory(error):
        kind, message = "OutOfMemory", f"there was not enough memory ({message or kind})"
    return Failure(type=kind, message=message, traceback_tail="\n".join(tail) if traced else None)


def ran_out_of_memory(error: BaseException) -> bool:
    """True where there was none for what was to be computed, on the processor or on a GPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
