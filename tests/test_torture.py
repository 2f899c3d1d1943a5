"""`make torture` tells what it has done and all that was lost, and ends with an error where that is anything."""

import importlib
import inspect
import pkgutil
import random

import pytest

from tests import torture
from tests.torture import Outcome, writers
from tests.torture.__main__ import main

PARTS = sorted(file.name for file in pkgutil.iter_modules(torture.__path__) if not file.name.startswith("_"))


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_a_part_is_gone_through_and_the_table_tells_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["writers", "--minutes", "0.001"]) == 0
    said = capsys.readouterr().out
    for part in ("load held", "faults survived", "bad inputs tried", "640 transactions", "nothing was lost"):
        assert part in said


@pytest.mark.parametrize("how", ["it is said", "it is raised"])
def test_what_was_lost_is_told_and_is_an_error(
    how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red where an exception of a part counts as nothing lost."""

    def lose(_seconds: float, _chance: random.Random) -> Outcome:
        if how == "it is raised":
            raise AssertionError("a run is gone")
        return Outcome(load="one run", faults=2, inputs=3, lost=("a run is gone",))

    monkeypatch.setattr(writers, "torment", lose)
    assert main(["writers"]) == 1
    said = capsys.readouterr().out
    assert "a run is gone" in said
    assert "1 promises were broken" in said
    assert "nothing was lost" not in said


def test_every_part_can_be_asked_for_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    for part in PARTS:
        torment = importlib.import_module(f"tests.torture.{part}").torment
        assert [*inspect.signature(torment).parameters] == ["seconds", "chance"]
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert ", ".join(PARTS) in capsys.readouterr().err
