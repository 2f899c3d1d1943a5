"""When to stop: on a signal, or when the parent is gone."""

import os
import signal
import threading
import time
from types import FrameType

DRAIN_SECONDS = 8.0
"""How long a worker that was told to stop has to store what it is at; what hangs longer is killed."""


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT."""

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def follow_parent(stop: threading.Event, *, lifeline: int, patience: float | None = None) -> None:
    """Set `stop` when the parent is gone, however it ended: its end of the pipe that we read closes with it.

    With `patience`, in seconds, a process that hangs for so long after that ends: there is nobody to kill it.
    """

    def read_to_the_end() -> None:
        # Unbuffered: a buffered reader holds a lock that the interpreter's own end would wait for.
        while os.read(lifeline, 1):
            pass
        stop.set()
        if patience is not None:
            time.sleep(patience)
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=read_to_the_end, name="parent", daemon=True).start()
