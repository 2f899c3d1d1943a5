"""What is counted adds up: over threads, over processes, over those that have ended, and whatever is cut short.

Seen red: without the names in `ended.json` a file that outlives its being added is added twice.
"""

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.telemetry import measures, sums
from service.telemetry.measures import Counter, Histogram
from service.telemetry.tally import SUFFIX, Tally


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures of these tests are nobody else's."""
    monkeypatch.setattr(measures, "MEASURES", [])


@pytest.fixture
def tally(tmp_path: Path) -> Iterator[Tally]:
    tally = Tally()
    tally.attach(tmp_path)
    yield tally
    tally.attach(tmp_path / "elsewhere")


def many(counter: Counter) -> None:
    for _ in range(5_000):
        counter.add("a")


def test_what_threads_count_at_once_is_all_counted(tally: Tally, tmp_path: Path) -> None:
    counter = Counter("runs", "Runs", ("kind",), tally=tally)
    counter.add("a")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                pool.submit(many, counter)
    finally:
        sys.setswitchinterval(interval)
    assert sums.gather(tmp_path)["runs", ("a",), "total"] == 20_001


def test_a_value_is_counted_up_to_its_bound_and_above_the_last_one(tally: Tally, tmp_path: Path) -> None:
    histogram = Histogram("seconds", "Seconds", bounds=(1, 2.5), tally=tally)
    for value in (0.5, 1, 1.5, 2.5, 3):
        histogram.observe(value)
    counts = sums.gather(tmp_path)
    assert [counts["seconds", (), part] for part in ("1.0", "2.5", "+Inf", "sum")] == [2, 2, 1, 8.5]


def test_what_was_counted_before_there_was_a_folder_begins_at_nought_in_it(tmp_path: Path) -> None:
    tally = Tally()
    counter = Counter("runs", "Runs", tally=tally)
    counter.add()
    tally.attach(tmp_path)
    counter.add(amount=2)
    assert sums.gather(tmp_path)["runs", (), "total"] == 2


def test_those_that_have_ended_are_added_once_whatever_is_cut_short(tmp_path: Path) -> None:
    total = "runs", (), "total"
    living, ended = Tally(), Tally()
    for tally in (living, ended):
        counter = Counter("runs", "Runs", tally=tally)
        tally.attach(tmp_path)
        counter.add()
    assert sums.gather(tmp_path)[total] == 2
    assert len([*tmp_path.glob(f"*{SUFFIX}")]) == 2  # both live
    ended.attach(tmp_path / "elsewhere")
    files = {path: path.read_bytes() for path in tmp_path.glob(f"*{SUFFIX}")}
    assert sums.gather(tmp_path)[total] == 2
    assert len([*tmp_path.glob(f"*{SUFFIX}")]) == 1
    for path, content in files.items():  # as where a kill had come between adding and deleting
        if not path.exists():
            path.write_bytes(content)
    assert [sums.gather(tmp_path)[total] for _ in range(2)] == [2, 2]
    living.attach(tmp_path / "elsewhere")
    assert [sums.gather(tmp_path)[total] for _ in range(2)] == [2, 2]


def test_half_a_name_is_not_read_yet(tally: Tally, tmp_path: Path) -> None:
    Counter("runs", "Runs", tally=tally).add()
    (path,) = tmp_path.glob(f"*{SUFFIX}")
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(path, copy / path.name)
    with (copy / path.name).open("a") as file:
        file.write('["half", [], "to')
    assert {name for name, _labels, _part in sums.gather(copy)} == {"runs"}


def test_nobody_has_counted_where_there_is_no_folder(tmp_path: Path) -> None:
    assert not sums.gather(tmp_path / "nowhere")


def test_where_no_file_can_be_written_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    tally = Tally()
    tally.attach(tmp_path / "file")
    Counter("runs", "Runs", tally=tally).add()
