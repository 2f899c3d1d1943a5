"""Work that another process does: its results, its errors, its death, and its end."""

import math
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx
import pytest

from service.analysis import charts
from service.client import Client
from service.errors import BusyError
from service.side_process import SideProcess
from tests.api.conftest import Served
from tests.cli.conftest import has_ended, start, stop, until


@pytest.fixture
def beside() -> Iterator[SideProcess]:
    started = SideProcess()
    yield started
    started.close()


def test_it_works_in_one_other_process_until_it_is_closed(beside: SideProcess) -> None:
    assert beside.pid is None
    pid = beside.call(os.getpid)
    assert pid != os.getpid()
    assert [beside.call(os.getpid), beside.pid] == [pid, pid]
    beside.close()
    assert beside.pid is None
    assert has_ended(pid)


def test_an_error_over_there_is_told_and_does_no_harm(beside: SideProcess) -> None:
    pid = beside.call(os.getpid)
    with pytest.raises(RuntimeError, match="math domain error"):
        beside.call(math.sqrt, -1.0)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        beside.call(lambda: 1)
    assert (beside.call(math.sqrt, 4.0), beside.pid) == (2.0, pid)


def test_one_that_died_is_replaced(beside: SideProcess) -> None:
    first = beside.call(os.getpid)
    os.kill(first, signal.SIGKILL)
    assert beside.call(os.getpid) not in {first, os.getpid()}


def test_what_kills_it_is_tried_twice(beside: SideProcess) -> None:
    with pytest.raises(RuntimeError, match="died, twice"):
        beside.call(os._exit, 3)
    assert beside.call(math.sqrt, 4.0) == 2.0


def test_what_takes_too_long_is_stopped(beside: SideProcess) -> None:
    first = beside.call(os.getpid)
    beside.patience_seconds = 0.05
    with pytest.raises(BusyError, match=r"takes longer than 0\.05 seconds"):
        beside.call(time.sleep, 3600)
    assert has_ended(first)
    beside.patience_seconds = 60
    assert beside.call(os.getpid) != first


def test_it_ends_with_the_process_that_started_it_however_that_ends() -> None:
    program = "import os, time; from service.side_process import SideProcess; print(SideProcess().call(os.getpid))"
    started = [sys.executable, "-c", f"{program}; time.sleep(60)"]
    with subprocess.Popen(
        started, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as one:
        assert one.stdout is not None
        child = int(one.stdout.readline())
        one.kill()
    until(lambda: has_ended(child), what="the end of the side process")


def test_a_picture_is_drawn_beside_the_api_though_that_process_is_killed_between(served: Served) -> None:
    experiment_id = served.completed()
    address = f"/v1/experiments/{experiment_id}/learning-curves.png"
    first = served.http.get(address)
    pid = served.service.beside.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    again = served.http.get(address)
    assert first.content.startswith(b"\x89PNG")
    assert again.content == first.content
    assert served.service.beside.pid != pid


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="what a process has mapped is read from /proc")
def test_a_process_that_answers_never_has_matplotlib_or_scipy(tmp_path: Path) -> None:
    running = start(tmp_path / "home", "--workers", "0")
    try:
        mapped = Path(f"/proc/{running.process.pid}/maps")
        until(lambda: any("side_process" in _command(pid) for pid in running.children), what="the side process")
        (child,) = (pid for pid in running.children if "side_process" in _command(pid))
        there = Path(f"/proc/{child}/maps")
        until(
            lambda: {"/matplotlib/", "/scipy/"} <= {*re.findall("/matplotlib/|/scipy/", there.read_text())}, what="both"
        )
        until(lambda: "torch" in mapped.read_text(), what="torch here")
        with Client(running.url) as client:
            asked = client.submit({"dataset": "digits", "architecture": "perceptron"}).id
        about_it = (f"experiments/{asked}/learning-curves", "comparisons/learning-curves", "comparisons/train-size")
        for path, suffix in product(about_it, ("png", "svg")):
            found = httpx.get(f"{running.url}/v1/{path}.{suffix}", params={"ids": asked} if "com" in path else {})
            assert found.is_success, found.text
        assert httpx.get(f"{running.url}/v1/comparisons", params={"ids": asked}).is_success
        assert "matplotlib" not in mapped.read_text()
        assert "/scipy/" not in mapped.read_text()
        assert "torch" not in there.read_text()
    finally:
        assert stop(running.process) == 0
    assert has_ended(child)


def test_what_is_drawn_there_is_what_is_drawn_here(beside: SideProcess) -> None:
    for format_ in ("png", "svg"):
        assert beside.call(charts.draw, {}, title="none", format=format_) == charts.draw(
            {}, title="none", format=format_
        )


def _command(pid: int) -> str:
    return subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
