import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service import cli
from service.client import Client

LONG_SECONDS = 90.0
"""More than anything here takes on a busy machine; a test that waits so long has failed."""


def until(true: Callable[[], object], *, what: str, seconds: float = LONG_SECONDS) -> None:
    """Wait for it, and no longer than needed."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds} seconds in vain for {what}"
        time.sleep(0.02)


def environment(**ours: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("ARDOISE_")}
    return others | {f"ARDOISE_{name.upper()}": value for name, value in ours.items()}


@dataclass
class Served:
    """A service that was started here, as a process of its own."""

    process: subprocess.Popen[str]
    url: str
    home: Path
    said: str

    @property
    def children(self) -> list[int]:
        return descendants(self.process.pid)

    def is_ready(self) -> bool:
        with Client(self.url) as client:
            return client.ready()


def start(home: Path, *options: str, port: int = 0, **settings: str) -> Served:
    """`ardoise serve`, up to where it says that it serves."""
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port), *options]
    with (home.parent / f"{home.name}.log").open("a") as log:
        process = subprocess.Popen(
            command, env=environment(home=str(home), **settings), stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"http://\S+", said)
    if found is None:
        stop(process)
    assert found, (home.parent / f"{home.name}.log").read_text()
    return Served(process=process, url=found.group(), home=home, said=said)


def stop(process: subprocess.Popen[str]) -> int:
    process.terminate()
    try:
        process.wait(timeout=LONG_SECONDS)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return process.returncode


def descendants(pid: int) -> list[int]:
    """The processes below this one that have not ended."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in table.splitlines()]
    children = [int(child) for child, parent, state in rows if int(parent) == pid and not state.startswith("Z")]
    return children + [below for child in children for below in descendants(child)]


def api_processes(service: subprocess.Popen[str]) -> list[int]:
    """Of several, those that answer requests: forked from the server that has imported what they need."""
    columns = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="]
    table = subprocess.run(columns, capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in table.splitlines()]
    found = {int(pid): int(parent) for pid, parent, state, what in rows if "api.preloaded" in what and state[0] != "Z"}
    return sorted(pid for pid, parent in found.items() if found.get(parent) == service.pid)


def has_ended(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not state.strip() or state.startswith("Z")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Starts services that end with the test."""
    started = []

    def begin(*options: str, port: int = 0) -> Served:
        served = start(tmp_path / "home", *options, port=port)
        started.append(served)
        return served

    yield begin
    for each in started:
        stop(each.process)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service with a worker for all tests that leave it as it is."""
    served = start(tmp_path_factory.mktemp("service") / "home", "--workers", "1")
    try:
        until(served.is_ready, what="a worker that is ready")
        yield served
    finally:
        stop(served.process)


@pytest.fixture
def client(service: Served) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


Ardoise = Callable[..., Said]


@pytest.fixture
def ardoise(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ardoise:
    """The command line, in this process: what it said and its exit status."""
    for name in [name for name in os.environ if name.startswith("ARDOISE_")]:
        monkeypatch.delenv(name)

    def run(*arguments: object, url: str | None = None) -> Said:
        capsys.readouterr()
        if url is not None:
            monkeypatch.setenv("ARDOISE_URL", url)
        monkeypatch.setattr(sys, "argv", ["ardoise", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.app()
        captured = capsys.readouterr()
        code = ended.value.code
        return Said(status=code if isinstance(code, int) else int(code is not None), out=captured.out, err=captured.err)

    return run
