"""A process beside this one, for what would hold its interpreter for long and fill its memory: matplotlib above all.

    beside.call(charts.draw, curves, title="two runs", format="png")

While one picture after another was drawn in the process that answers, 64 clients had two fifths of their predictions a
second, and a lone client waited 12 ms at the 99th percentile. So it is all of them, and 3 ms; and the process that
answers is 90 MB smaller.

It runs functions of modules, found by their names, one after another: arguments and results must be such as can be
pickled, and the functions such as may be run again, for a process that died is replaced and asked once more.
"""

import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

import structlog

from service.errors import BusyError

PATIENCE_SECONDS = 60.0
"""What takes longer is stopped."""
END_SECONDS = 2.0
"""One that has not ended by itself so long after its pipe was closed is killed."""

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)


class _Child(NamedTuple):
    process: subprocess.Popen[bytes]
    pipe: Connection


class SideProcess:
    """Safe from any thread; who comes while it is at work waits. It is started by the first call, and ends with this
    process, however this one ends.
    """

    def __init__(self) -> None:
        self.patience_seconds = PATIENCE_SECONDS
        self._turn = threading.Lock()
        self._child: _Child | None = None

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns over there.

        `BusyError` where it takes too long; `RuntimeError` with its traceback where it raises, or where it has let two
        processes die.
        """
        with self._turn:
            done, value = self._asked((function, args, kwargs))
        if not done:
            raise RuntimeError(value)
        return cast("T", value)

    @property
    def pid(self) -> int | None:
        """None where it does not run."""
        child = self._child
        return None if child is None else child.process.pid

    def close(self) -> None:
        """End it; what is at work there is finished first."""
        with self._turn:
            self._end()

    def _asked(self, request: tuple[Any, ...]) -> tuple[bool, Any]:
        for _ in range(2):
            child = self._child = self._child or _start()
            try:
                child.pipe.send(request)
                if child.pipe.poll(self.patience_seconds):
                    return cast("tuple[bool, Any]", child.pipe.recv())
            except (EOFError, OSError):
                self._end()
                log.warning("the side process died", status=child.process.returncode)
            else:
                self._end(patience_seconds=0)
                raise BusyError(f"this takes longer than {self.patience_seconds:g} seconds, and was stopped")
        return False, "the side process died, twice, at the same work"

    def _end(self, *, patience_seconds: float = END_SECONDS) -> None:
        if self._child is None:
            return
        process, pipe = self._child
        self._child = None
        pipe.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_seconds)
        process.kill()
        process.wait()


def _start() -> _Child:
    ours, theirs = Pipe()
    with theirs:
        number = theirs.fileno()
        # A group of its own: Ctrl-C is for this process, whose end it sees by the end of the pipe.
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", __spec__.name, str(number)],
            stdin=subprocess.DEVNULL,
            pass_fds=(number,),
            process_group=0,
            env=os.environ | {"PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    return _Child(process, ours)


def answer(pipe: Connection) -> None:
    """Do what is asked through the pipe, until its other end is closed."""
    with suppress(EOFError, OSError):
        while True:
            function, args, kwargs = pipe.recv()
            try:
                said = True, function(*args, **kwargs)
            except Exception:  # noqa: BLE001  # whatever it is: who asked is told
                said = False, traceback.format_exc()
            pipe.send(said)


if __name__ == "__main__":
    answer(Connection(int(sys.argv[1])))
