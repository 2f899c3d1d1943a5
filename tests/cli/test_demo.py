import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.cli import demonstration
from service.client import Client
from service.domain.spec import ExperimentSpec
from tests.cli.conftest import LONG_SECONDS, Ardoise, descendants, environment, has_ended, until

NAMES = ["perceptron", "mlp identity", "mlp tanh", "mlp sigmoid", "mlp relu", "cnn relu"]
DEMO = [sys.executable, "-m", "service.cli", "demo", "--epochs", "2", "--workers", "1"]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the demo makes its folder, and nothing else does."""
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


def folders(temporary: Path) -> list[Path]:
    """Those of the demo; torch has one there too."""
    return [*temporary.glob("ardoise-demo-*")]


def test_the_comparison_is_the_labs_first() -> None:
    specs = [ExperimentSpec.model_validate(each) for each in demonstration.comparison(epochs=3)]
    assert [spec.name for spec in specs] == NAMES
    assert [(spec.architecture.name, spec.activation) for spec in specs] == [
        ("perceptron", "identity"), ("mlp", "identity"), ("mlp", "tanh"), ("mlp", "sigmoid"), ("mlp", "relu"),
        ("cnn", "relu"),
    ]  # fmt: skip
    shared = [
        spec.model_dump(include={"dataset", "optimizer", "schedule", "epochs", "batch_size", "seed"}) for spec in specs
    ]
    assert all(each == shared[0] for each in shared), "what is compared differs in the network alone"
    assert shared[0]["epochs"] == 3


def test_the_demo_trains_compares_draws_reads_and_ends(tmp_path: Path, temporary: Path) -> None:
    said = subprocess.run(
        [*DEMO, "--output", "curves.png"],
        env=environment() | {"TMPDIR": str(temporary)}, cwd=tmp_path, capture_output=True, text=True,
        timeout=LONG_SECONDS, check=False,
    )  # fmt: skip
    assert (said.returncode, said.stderr) == (0, "")
    assert sorted(re.findall(r"^(.+): completed, ", said.stdout, re.MULTILINE)) == sorted(NAMES)
    lines = said.stdout.splitlines()
    table = lines[next(at for at, line in enumerate(lines) if line.startswith("network ")) :]
    assert table[0].split() == ["network", "parameters", "best", "epoch", "validation", "test", "seconds"]
    assert [re.split(r"\s{2,}", row)[0] for row in table[1:7]] == NAMES
    for row in table[1:7]:
        assert re.search(r" [\d,]+ +[12] +[01]\.\d{4} +[01]\.\d{4} +\d+\.\d$", row), row
    assert f"The learning curves of all six: {tmp_path / 'curves.png'}" in lines
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(r"reads 8 digits that no network has learnt from, \d of them right:", said.stdout)
    assert len(re.findall(r"\d  \d+ %", said.stdout)) == 8
    assert "█" in said.stdout
    assert folders(temporary) == []


class Terminal:
    """A terminal of 100 columns with a program in it."""

    def __init__(self, command: list[str], *, cwd: Path, env: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env=env | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"},
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def read(self, *, up_to: str | None = None) -> str:
        """All that is shown until some text is, or until the end; without its colours."""
        raw = b""
        while up_to is None or up_to not in self.shown:
            try:
                raw += os.read(self._ours, 65536)
            except OSError:  # the end, as Linux says it
                break
            self.shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", raw.decode(errors="replace"))
        return self.shown

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(tmp_path: Path, temporary: Path) -> Iterator[Callable[..., Terminal]]:
    opened = []

    def open_(*arguments: str) -> Terminal:
        opened.append(Terminal([*DEMO, *arguments], cwd=tmp_path, env=environment() | {"TMPDIR": str(temporary)}))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


def test_on_a_terminal_it_shows_bars_and_then_goes_on_serving(
    terminal: Callable[..., Terminal], tmp_path: Path, temporary: Path
) -> None:
    demo = terminal()
    shown = demo.read(up_to="Ctrl-C ends it")
    for name in NAMES:
        assert re.search(
            rf"{name} +━+ 2/2 +loss \d\.\d{{4}}  acc [01]\.\d{{4}}  val [01]\.\d{{4}} +completed", shown
        ), name
    found = re.search(r"goes on serving at (http://\S+)", shown)
    assert found, shown
    with Client(found.group(1)) as client:
        assert client.ready()
        assert client.page().total == 6
    processes = descendants(demo.process.pid)
    assert processes
    demo.process.send_signal(signal.SIGINT)
    demo.read()
    assert demo.process.wait(timeout=LONG_SECONDS) == 0
    assert [pid for pid in processes if not has_ended(pid)] == []
    assert folders(temporary) == []
    assert (tmp_path / "ardoise-demo.png").stat().st_size > 0


def test_a_demo_that_is_killed_leaves_no_process(terminal: Callable[..., Terminal]) -> None:
    demo = terminal()
    demo.read(up_to="Ardoise serves at")
    processes = descendants(demo.process.pid)
    assert processes
    demo.process.kill()
    until(lambda: all(map(has_ended, processes)), what="the end of the service", seconds=30)


def test_once_ends_it_on_a_terminal_too_and_keep_keeps_its_folder(
    terminal: Callable[..., Terminal], temporary: Path
) -> None:
    demo = terminal("--once", "--keep", "--epochs", "1")
    shown = demo.read()
    assert demo.process.wait(timeout=LONG_SECONDS) == 0, shown
    (kept,) = folders(temporary)
    assert f"The folder of the service is kept: {kept}" in shown.replace("\r\n", "")
    assert (kept / "ardoise.db").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--output", "nowhere/curves.png"), "nowhere/curves.png cannot be written"),
        (("--workers", "many"), "the service did not start; the lines above say why"),
        (("--workers", "0"), "a demo needs a worker"),
    ],
)
def test_a_demo_that_cannot_be_given_says_why(arguments: tuple[str, ...], why: str, ardoise: Ardoise) -> None:
    said = ardoise("demo", "--once", *arguments)
    assert said.status == 1
    assert said.err.endswith(f"ardoise: {why}\n")
