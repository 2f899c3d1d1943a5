"""Decoded data sets as files: made once, mapped by everyone, and never trusted blindly."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from structlog.testing import capture_logs

from service import datasets
from service.datasets import Dataset, Split, _cache
from service.errors import DatasetUnavailableError

NOWHERE = Path("there is no such folder")
ROOT = Path(__file__).parents[2]
ENTRY = "made_up.safetensors"


class Decoder:
    """Makes a small data set out of one file, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source"
        self.source.write_bytes(bytes(range(256)))
        self.calls = 0

    def __call__(self) -> Dataset:
        self.calls += 1
        grey = torch.frombuffer(bytearray(self.source.read_bytes()), dtype=torch.uint8)
        images, labels = grey[:192].view(3, 8, 8), torch.tensor([3, 1, 4])
        # Both splits look at the same memory: what is stored must not depend on that.
        return Dataset(train=Split(images=images, labels=labels), test=Split(images=images[1:], labels=labels[1:]))

    def load(self, cache_dir: Path) -> Dataset:
        return _cache.load("made_up", self, cache_dir=cache_dir, sources=[self.source])


@pytest.fixture
def decoder(tmp_path: Path) -> Decoder:
    return Decoder(tmp_path)


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "home" / "cache"


def assert_same(found: Dataset, expected: Dataset) -> None:
    for split, wanted in ((found.train, expected.train), (found.test, expected.test)):
        assert torch.equal(split.images, wanted.images)
        assert torch.equal(split.labels, wanted.labels)
    assert found.standardisation == datasets.standardisation(expected.train.images)


@pytest.mark.parametrize("image_size", [None, 20])
@pytest.mark.parametrize("name", [name for name in datasets.names() if datasets.facts(name).bundled])
def test_what_is_mapped_is_what_is_decoded(name: str, image_size: int | None, cache_dir: Path) -> None:
    decoded = datasets.load(name, data_dir=NOWHERE, image_size=image_size)
    for _ in range(2):
        assert_same(datasets.load(name, data_dir=NOWHERE, image_size=image_size, cache_dir=cache_dir), decoded)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mnist", "usps"])
def test_real_data_is_mapped_as_it_is_decoded(name: str, real_data_dir: Path, cache_dir: Path) -> None:
    decoded = datasets.load(name, data_dir=real_data_dir)
    for _ in range(2):
        assert_same(datasets.load(name, data_dir=real_data_dir, cache_dir=cache_dir), decoded)


def test_it_is_decoded_once(decoder: Decoder, cache_dir: Path) -> None:
    for _ in range(3):
        decoder.load(cache_dir)
    assert decoder.calls == 1


def test_the_own_size_of_a_data_set_is_stored_once(cache_dir: Path) -> None:
    for image_size in (None, 8, 20):
        datasets.load("digits", data_dir=NOWHERE, image_size=image_size, cache_dir=cache_dir)
    assert {file.name for file in cache_dir.glob("*.safetensors")} == {"digits.safetensors", "digits-20.safetensors"}


def test_what_is_decoded_can_be_told_without_looking_at_it(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(image_size: int | None) -> bool:
        return datasets.is_decoded("digits", data_dir=NOWHERE, image_size=image_size, cache_dir=cache_dir)

    assert not decoded(8)
    datasets.decode("digits", data_dir=NOWHERE, cache_dir=cache_dir)
    assert (decoded(None), decoded(8), decoded(20)) == (True, True, False)
    datasets.decode("digits", data_dir=NOWHERE, image_size=20, cache_dir=cache_dir)
    assert decoded(20)
    monkeypatch.setattr(_cache, "_code", lambda: "another digest")
    assert not decoded(20)


def test_another_file_of_the_same_size_is_noticed_by_its_time(decoder: Decoder, cache_dir: Path) -> None:
    decoder.load(cache_dir)
    state = decoder.source.stat()
    decoder.source.write_bytes(bytes(reversed(range(256))))
    os.utime(decoder.source, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert decoder.load(cache_dir).train.images[0, 0, 0] == 255


def test_another_file_of_the_same_time_is_noticed_by_its_size(decoder: Decoder, cache_dir: Path) -> None:
    decoder.load(cache_dir)
    state = decoder.source.stat()
    decoder.source.write_bytes(bytes(reversed(range(256))) + b"!")
    os.utime(decoder.source, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert decoder.load(cache_dir).train.images[0, 0, 0] == 255


def test_another_folder_with_the_same_file_is_another_source(decoder: Decoder, cache_dir: Path, tmp_path: Path) -> None:
    decoder.load(cache_dir)
    moved = decoder.source.rename(tmp_path / "other")
    decoder.source = moved
    decoder.load(cache_dir)
    assert decoder.calls == 2


def test_who_has_mapped_an_entry_keeps_it_when_it_is_made_anew(decoder: Decoder, cache_dir: Path) -> None:
    old = decoder.load(cache_dir)
    decoder.source.write_bytes(bytes(300))
    decoder.load(cache_dir)
    assert old.train.images.flatten().tolist() == list(range(192))


def test_other_code_makes_it_anew(decoder: Decoder, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder.load(cache_dir)
    monkeypatch.setattr(_cache, "_code", lambda: "another digest")
    decoder.load(cache_dir)
    decoder.load(cache_dir)
    assert decoder.calls == 2


def test_a_source_that_comes_with_the_first_load_counts_from_then_on(decoder: Decoder, cache_dir: Path) -> None:
    content = decoder.source.read_bytes()
    decoder.source.unlink()

    def download() -> Dataset:
        decoder.source.write_bytes(content)
        return decoder()

    for _ in range(2):
        _cache.load("made_up", download, cache_dir=cache_dir, sources=[decoder.source])
    assert decoder.calls == 1
    decoder.source.unlink()
    _cache.load("made_up", download, cache_dir=cache_dir, sources=[decoder.source])
    assert decoder.calls == 2


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: whole[:0],
    "cut short": lambda whole: whole[:-1],
    "cut in its header": lambda whole: whole[:40],
    "longer": lambda whole: whole + b"?",
    "something else": lambda whole: whole[::-1],
    "a label flipped": lambda whole: whole.replace(b"\x04" + bytes(7), b"\x05" + bytes(7), 1),
    "the last pixel flipped": lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
    "another mean": lambda whole: whole.replace(b'"mean":"0.', b'"mean":"1.'),
    "no mean": lambda whole: whole.replace(b'"mean"', b'"maen"'),
    "no checksum": lambda whole: whole.replace(b'"checksum"', b'"kcehcsum"'),
    "a tensor renamed": lambda whole: whole.replace(b"test_labels", b"tset_labels"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_noticed_and_made_anew(damage: str, decoder: Decoder, cache_dir: Path) -> None:
    decoder.load(cache_dir)
    whole = (cache_dir / ENTRY).read_bytes()
    damaged = DAMAGES[damage](whole)
    assert damaged != whole
    # A new file, as a disk may show it after a crash: one that is mapped must not be cut short.
    (cache_dir / ENTRY).unlink()
    (cache_dir / ENTRY).write_bytes(damaged)
    with capture_logs() as log:
        assert_same(decoder.load(cache_dir), decoder())
    assert {line["event"] for line in log} == {"a cached data set cannot be used and is made anew"}
    with capture_logs() as log:
        assert_same(decoder.load(cache_dir), decoder())
    assert log == []


def test_what_a_killed_process_left_is_no_hindrance(decoder: Decoder, cache_dir: Path) -> None:
    cache_dir.mkdir(parents=True)
    (cache_dir / ".made_up.part").write_bytes(b"the first half of")
    (cache_dir / ".made_up.lock").touch()
    decoder.load(cache_dir)
    decoder.load(cache_dir)
    assert decoder.calls == 1
    assert {file.name for file in cache_dir.iterdir()} == {ENTRY, ".made_up.lock"}


def test_writing_to_a_mapped_tensor_changes_neither_the_file_nor_what_others_see(
    decoder: Decoder, cache_dir: Path
) -> None:
    decoder.load(cache_dir)
    before = (cache_dir / ENTRY).read_bytes()
    careless, other = decoder.load(cache_dir), decoder.load(cache_dir)
    careless.train.images.zero_()
    careless.train.labels.zero_()
    assert (cache_dir / ENTRY).read_bytes() == before
    assert other.train.labels.tolist() == [3, 1, 4]
    assert_same(decoder.load(cache_dir), decoder())


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells how much of a file is in memory")
def test_an_entry_is_in_memory_as_far_as_it_is_looked_at(cache_dir: Path) -> None:
    mapped = [datasets.load("digits", data_dir=NOWHERE, image_size=64, cache_dir=cache_dir) for _ in range(2)][1]
    file = cache_dir / "digits-64.safetensors"
    assert kilobytes_in_memory(file) < 0.5 * file.stat().st_size / 1024
    mapped.train.images.sum()
    assert kilobytes_in_memory(file) > 0.5 * file.stat().st_size / 1024


def kilobytes_in_memory(file: Path) -> int:
    found, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *_, last = line.split()
        if "-" in first:
            inside = last == str(file)
        elif inside and first == "Rss:":
            found += int(line.split()[1])
    return found


def test_a_folder_that_cannot_be_made_costs_a_warning(decoder: Decoder, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, where the home should be")
    with capture_logs() as log:
        assert_same(decoder.load(tmp_path / "home" / "cache"), decoder())
    assert [(line["log_level"], line["dataset"]) for line in log] == [("warning", "made_up")]
    assert decoder.calls == 2


def test_a_valid_entry_is_used_where_nothing_can_be_locked_or_written(decoder: Decoder, cache_dir: Path) -> None:
    decoder.load(cache_dir)
    (cache_dir / ".made_up.lock").unlink()
    (cache_dir / ".made_up.lock").mkdir()
    (cache_dir / ".made_up.part").mkdir()
    with capture_logs() as log:
        decoder.load(cache_dir)
    assert (decoder.calls, log) == (1, [])
    decoder.source.write_bytes(bytes(300))
    with capture_logs() as log:
        assert_same(decoder.load(cache_dir), decoder())
    assert [line["log_level"] for line in log] == ["warning"]


def test_who_holds_the_lock_and_sleeps_is_not_waited_for_without_end(
    decoder: Decoder, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cache, "PATIENCE_SECONDS", 0.05)
    cache_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(cache_dir / ".made_up.lock"), capture_logs() as log:
        assert_same(decoder.load(cache_dir), decoder())
    assert [line["log_level"] for line in log] == ["warning"]
    assert not (cache_dir / "made_up.safetensors").exists()


def test_an_entry_that_cannot_be_written_costs_a_warning(decoder: Decoder, cache_dir: Path) -> None:
    (cache_dir / ".made_up.part").mkdir(parents=True)
    with capture_logs() as log:
        assert_same(decoder.load(cache_dir), decoder())
    assert [(line["log_level"], line["dataset"]) for line in log] == [("warning", "made_up")]
    assert decoder.calls == 2
    assert not (cache_dir / ENTRY).exists()


def test_what_decoding_raises_goes_through_and_the_next_try_works(decoder: Decoder, cache_dir: Path) -> None:
    def fail() -> Dataset:
        raise DatasetUnavailableError("not today")

    with pytest.raises(DatasetUnavailableError, match="not today"):
        _cache.load("made_up", fail, cache_dir=cache_dir, sources=[decoder.source])
    assert not (cache_dir / ENTRY).exists()
    assert_same(decoder.load(cache_dir), decoder())


FULL_DISK = """
import resource, sys
from pathlib import Path
from service import datasets
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
test = datasets.load("digits", data_dir=Path("nowhere"), cache_dir=Path(sys.argv[1])).test
print(int(test.images.sum()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_disk_that_is_full_halfway_costs_a_warning_and_keeps_nothing(cache_dir: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(cache_dir)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    *warnings, total = ended.stdout.splitlines()
    assert int(total) == int(datasets.load("digits", data_dir=NOWHERE).test.images.sum())
    assert len(warnings) == 1
    assert "File too large" in warnings[0]
    assert [file.name for file in cache_dir.iterdir()] == [".digits.lock"]


SHARER = """
import json, sys
from pathlib import Path
import torch
from service import datasets
torch.set_num_threads(1)
print("ready", flush=True)
sys.stdin.readline()
mapped = datasets.load("digits", data_dir=Path("nowhere"), image_size=64, cache_dir=Path(sys.argv[1]))
gathered = mapped.train.images.index_select(0, torch.randperm(len(mapped.train)))
read = int(gathered.sum()) + int(mapped.test.images.sum())
print("mapped", flush=True)
sys.stdin.readline()
kilobytes, inside = {}, False
for line in Path("/proc/self/smaps").read_text().splitlines():
    name, _, value = line.partition(":")
    if "-" in line.split(" ")[0]:
        inside = line.endswith("digits-64.safetensors")
    elif inside and value.endswith("kB"):
        kilobytes[name] = kilobytes.get(name, 0) + int(value.split()[0])
print(json.dumps({"kilobytes": kilobytes, "read": read, "decoded": "sklearn" in sys.modules}), flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells whose pages they are")
def test_two_processes_that_come_at_once_decode_once_and_share_the_pages(cache_dir: Path) -> None:
    command = [sys.executable, "-c", SHARER, str(cache_dir)]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = []
    for said in ("ready\n", "mapped\n", None):
        for process in both:
            assert process.stdout is not None
            if said is not None:
                assert process.stdout.readline() == said
        for process in both:
            if said is not None:
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
    for process in both:
        answer, _ = process.communicate()
        assert process.returncode == 0
        answers.append(json.loads(answer))
    assert [answer["decoded"] for answer in answers].count(True) == 1
    decoded = datasets.load("digits", data_dir=NOWHERE, image_size=64)
    for answer in answers:
        assert answer["read"] == int(decoded.train.images.sum()) + int(decoded.test.images.sum())
        whole = (cache_dir / "digits-64.safetensors").stat().st_size / 1024
        assert answer["kilobytes"]["Shared_Clean"] > 0.9 * whole
        assert answer["kilobytes"]["Private_Dirty"] == answer["kilobytes"]["Shared_Dirty"] == 0
