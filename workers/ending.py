"""When to stop: on a signal, or when the parent is gone."""

import os
import signal
import threading
from types import FrameType


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT."""

    def on_signal(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def follow_parent(stop: threading.Event, *, lifeline: int) -> None:
    """Set `stop` when the parent is gone, however it ended: its end of the pipe that we read closes with it."""

    def read_to_the_end() -> None:
        # Unbuffered: a buffered reader holds a lock that the interpreter's own end would wait for.
        while os.read(lifeline, 1):
            pass
        stop.set()

    threading.Thread(target=read_to_the_end, name="parent", daemon=True).start()
