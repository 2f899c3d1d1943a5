"""The workers that `ardoise serve` keeps: a supervisor as a child process, started again where it ends by itself.

The child reads a pipe that this process holds, so it ends with it, however that one dies. It is in a process group of
its own: a Ctrl-C in the terminal reaches this process alone, which passes it on.
"""

import os
import subprocess
import sys
import threading
import time

import structlog

from service.settings import Settings

TICK_SECONDS = 0.05
DRAIN_SECONDS = 9.0
"""How long the workers' supervisor has to end before it is killed, which loses nothing but time."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
STEADY_SECONDS = 60.0
"""After a supervisor that lived so long, the next is started as promptly as after the first."""

log = structlog.get_logger(__name__)


class Workforce:
    """A supervisor of `settings.worker_count` workers, kept by a thread; of none where that is 0."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ending = False
        self._in_a_hurry = False
        self._thread = threading.Thread(target=self._keep, name="workforce")

    def start(self) -> None:
        """Start the supervisor and keep one running."""
        if self._settings.worker_count:
            self._thread.start()

    def end(self) -> None:
        """Tell the workers to write their checkpoints and end; returns at once."""
        self._ending = True

    def hurry(self) -> None:
        """Give them no more time."""
        self._in_a_hurry = True

    def join(self) -> None:
        """Wait until the supervisor has ended, at most some DRAIN_SECONDS after `end`."""
        if self._thread.ident is not None:
            self._thread.join()

    def _keep(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        child, started = self._start_supervisor(), time.monotonic()
        while not self._ending:
            time.sleep(TICK_SECONDS)
            if child.poll() is None:
                continue
            if time.monotonic() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error("the workers' supervisor ended by itself", status=child.returncode, next_in_seconds=pause)
            _bury(child)
            self._idle(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            child, started = self._start_supervisor(), time.monotonic()
        self._drain(child)

    def _start_supervisor(self) -> subprocess.Popen[bytes]:
        command = supervisor_command(count=self._settings.worker_count, arguments=("--until-stdin-closes",))
        return subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command, stdin=subprocess.PIPE, env=environment(self._settings), process_group=0
        )

    def _idle(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._ending:
            time.sleep(TICK_SECONDS)

    def _drain(self, child: subprocess.Popen[bytes]) -> None:
        child.terminate()
        deadline = time.monotonic() + DRAIN_SECONDS
        while child.poll() is None and time.monotonic() < deadline and not self._in_a_hurry:
            time.sleep(TICK_SECONDS)
        if child.poll() is None:
            log.warning("the workers did not end in time; their runs go on at the next start")
            child.kill()  # its workers read the end of their pipes from it, and end
        _bury(child)


def supervisor_command(*, count: int, arguments: tuple[str, ...] = ()) -> list[str]:
    """How a supervisor of `count` workers is started, in an `environment`."""
    return [sys.executable, "-m", "workers", "--count", str(count), *arguments]


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with exactly these settings in it: what a child must be given to have the same.

    Python imports nothing from the current folder there, which may hold a `workers` of its own.
    """
    others = {name: value for name, value in os.environ.items() if not name.upper().startswith("ARDOISE_")}
    # Relative folders mean what they mean here, wherever the child runs.
    folders = {"home": settings.home.resolve(), "artifacts": settings.artifacts_dir, "data_dir": settings.datasets_dir}
    given = settings.model_dump(mode="json", exclude_none=True) | {name: str(path) for name, path in folders.items()}
    ours = {f"ARDOISE_{name.upper()}": str(value) for name, value in given.items()}
    return others | ours | {"PYTHONSAFEPATH": "1"}


def _bury(child: subprocess.Popen[bytes]) -> None:
    child.wait()
    if child.stdin is not None:
        child.stdin.close()
