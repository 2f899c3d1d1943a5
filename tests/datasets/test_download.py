"""Archives from a loopback mirror that can be told to misbehave: all of them or nothing, and once."""

import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from service.datasets import _download
from service.datasets._download import Archive, download
from service.errors import DatasetUnavailableError

CONTENTS = {"images.gz": b"packed images" * 5000, "labels.gz": b"packed labels" * 9000}
FILES = ("images", "labels")


class Mirror:
    """Serves `files` by their path and keeps what was asked for."""

    def __init__(self) -> None:
        self.files = {f"/{name}": content for name, content in CONTENTS.items()}
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.moved: dict[str, str] = {}
        self.content_encoding: str | None = None
        self.before_answer: Callable[[], object] = lambda: None
        self.cut_short = False
        """Announce the whole length, send the first half, hang up."""
        self.before_hanging_up: Callable[[], object] = lambda: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """From now on connections to `url` are refused."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append(self.path)
                mirror.authorizations.append(self.headers.get("Authorization", ""))
                mirror.before_answer()
                body = mirror.files.get(self.path, b"")
                if self.path in mirror.moved:
                    self.send_response(302)
                    self.send_header("Location", mirror.moved[self.path])
                elif self.path in mirror.files:
                    self.send_response(200)
                else:
                    self.send_response(404)
                if mirror.content_encoding:
                    self.send_header("Content-Encoding", mirror.content_encoding)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if mirror.cut_short else body)
                if mirror.cut_short:
                    mirror.before_hanging_up()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name it overrides has
                pass

        return Handler


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Mirror()
    yield server
    server.stop()


def archives(*addresses: str) -> list[Archive]:
    return [
        Archive(
            name, hashlib.md5(content, usedforsecurity=False).hexdigest(), tuple(f"{at}/{name}" for at in addresses)
        )
        for name, content in CONTENTS.items()
    ]


def unpack(workshop: Path) -> None:
    for name in CONTENTS:
        packed = workshop / "Made/raw" / name
        packed.with_suffix("").write_bytes(packed.read_bytes().upper())


def fetch(data_dir: Path, *addresses: str, unpack: Callable[[Path], object] = unpack) -> None:
    download("made_up", archives(*addresses), data_dir=data_dir, folder="Made/raw", files=FILES, unpack=unpack)


def failure(data_dir: Path, *addresses: str) -> str:
    with pytest.raises(DatasetUnavailableError) as caught:
        fetch(data_dir, *addresses)
    return caught.value.message


def assert_complete(data_dir: Path) -> None:
    found = {path.name: path.read_bytes() for path in (data_dir / "Made/raw").iterdir()}
    unpacked = {Path(name).stem: content.upper() for name, content in CONTENTS.items()}
    assert found == CONTENTS | unpacked
    assert not (data_dir / ".download-made_up").exists()


def assert_nothing_kept(data_dir: Path) -> None:
    assert [path.name for path in data_dir.iterdir()] == [".download-made_up.lock"]


def test_archives_and_what_is_unpacked_from_them_get_into_place(mirror: Mirror, tmp_path: Path) -> None:
    fetch(tmp_path / "not" / "there" / "yet", mirror.url)
    assert_complete(tmp_path / "not" / "there" / "yet")
    assert mirror.requests == ["/images.gz", "/labels.gz"]


def test_no_final_name_is_there_while_it_is_unpacked(mirror: Mirror, tmp_path: Path) -> None:
    seen: list[bool] = []

    def looking(workshop: Path) -> None:
        seen.append((tmp_path / "Made").exists())
        unpack(workshop)

    fetch(tmp_path, mirror.url, unpack=looking)
    assert seen == [False]
    assert_complete(tmp_path)


def test_what_is_half_there_is_made_whole(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "Made/raw").mkdir(parents=True)
    (tmp_path / "Made/raw/images").write_bytes(b"of an older download")
    fetch(tmp_path, mirror.url)
    assert_complete(tmp_path)


def test_a_failure_names_the_data_set_the_address_the_cause_and_the_ways_out(mirror: Mirror, tmp_path: Path) -> None:
    del mirror.files["/labels.gz"]
    assert failure(tmp_path, mirror.url) == (
        "The data set made_up is not on this machine and could not be downloaded. "
        f"{mirror.url}/labels.gz: HTTP status 404 Not Found. Set ARDOISE_DATASET_MIRROR to a server that has it, "
        "or put the files images, labels into ARDOISE_DATA_DIR/Made/raw."
    )
    assert_nothing_kept(tmp_path)


def test_an_archive_that_breaks_off_is_not_kept_and_the_next_try_works(mirror: Mirror, tmp_path: Path) -> None:
    mirror.cut_short = True
    assert f"{mirror.url}/images.gz: peer closed connection" in failure(tmp_path, mirror.url)
    assert_nothing_kept(tmp_path)

    mirror.cut_short = False
    fetch(tmp_path, mirror.url)
    assert_complete(tmp_path)


def test_a_corrupt_archive_is_not_kept_and_both_checksums_are_said(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/labels.gz"] = b"something else"
    expected = archives()[1].md5
    found = hashlib.md5(b"something else", usedforsecurity=False).hexdigest()
    assert f"has the MD5 checksum {found}, not {expected}" in failure(tmp_path, mirror.url)
    assert_nothing_kept(tmp_path)


def test_a_server_that_is_down_is_said(mirror: Mirror, tmp_path: Path) -> None:
    mirror.stop()
    assert "Connection refused" in failure(tmp_path, mirror.url)
    assert_nothing_kept(tmp_path)


def test_a_server_that_stays_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_download, "SILENCE_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert f"{address}/images.gz: timed out" in failure(tmp_path, address)
    assert_nothing_kept(tmp_path)


@pytest.mark.parametrize("address", ["no scheme", "ftp://127.0.0.1", "http://[", "http://127.0.0.1:port"])
def test_an_address_that_is_none_is_said(address: str, tmp_path: Path) -> None:
    assert f"{address}/images.gz: " in failure(tmp_path, address)
    assert_nothing_kept(tmp_path)


def test_a_server_that_calls_the_archive_its_own_compression_changes_no_byte(mirror: Mirror, tmp_path: Path) -> None:
    mirror.content_encoding = "gzip"
    fetch(tmp_path, mirror.url)
    assert_complete(tmp_path)


def test_an_archive_that_has_moved_is_followed(mirror: Mirror, tmp_path: Path) -> None:
    mirror.moved = {f"/old/{name}": f"{mirror.url}/{name}" for name in CONTENTS}
    fetch(tmp_path, f"{mirror.url}/old")
    assert_complete(tmp_path)


def test_the_next_address_is_tried_where_one_fails(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files["/corrupt/images.gz"] = b"something else"
    fetch(tmp_path, f"{mirror.url}/corrupt", f"{mirror.url}/gone", mirror.url)
    assert_complete(tmp_path)


def test_every_address_is_named_where_all_fail(mirror: Mirror, tmp_path: Path) -> None:
    message = failure(tmp_path, f"{mirror.url}/gone", f"{mirror.url}/lost")
    assert f"{mirror.url}/gone/images.gz: HTTP status 404 Not Found; {mirror.url}/lost/images.gz: HTTP" in message


def test_a_password_in_an_address_is_used_but_not_said(
    mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del mirror.files["/labels.gz"]
    message = failure(tmp_path, mirror.url.replace("//", "//pupil:secret@"))
    assert f"{mirror.url}/labels.gz: HTTP status 404" in message
    assert "secret" not in message + "".join(capsys.readouterr())
    assert mirror.authorizations == ["Basic cHVwaWw6c2VjcmV0"] * 2


def test_an_unpacking_that_fails_keeps_nothing(mirror: Mirror, tmp_path: Path) -> None:
    def failing(workshop: Path) -> None:
        unpack(workshop)
        raise RuntimeError("not an image file")

    with pytest.raises(RuntimeError, match="not an image file"):
        fetch(tmp_path, mirror.url, unpack=failing)
    assert_nothing_kept(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    message = failure(tmp_path / "file" / "data", mirror.url)
    assert message.startswith("The data set made_up could not be written to ARDOISE_DATA_DIR/Made/raw: Not a directory")
    assert mirror.requests == []


CHILD = """
import json, sys
from pathlib import Path
from service.datasets._download import Archive, download
data_dir, archives = Path(sys.argv[1]), [Archive(name, md5, tuple(urls)) for name, md5, urls in json.loads(sys.argv[2])]
def unpack(workshop):
    for archive in archives:
        packed = workshop / "Made/raw" / archive.name
        packed.with_suffix("").write_bytes(packed.read_bytes().upper())
print("ready", file=sys.stderr, flush=True)
download("made_up", archives, data_dir=data_dir, folder="Made/raw", files=("images", "labels"), unpack=unpack)
"""


def fetching_process(data_dir: Path, mirror: Mirror) -> "subprocess.Popen[str]":
    """Another process that does what `fetch` does; it writes `ready` as it begins."""
    wanted = json.dumps([(archive.name, archive.md5, archive.urls) for archive in archives(mirror.url)])
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(data_dir), wanted],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    return process


def test_two_processes_that_ask_at_once_download_once(mirror: Mirror, tmp_path: Path) -> None:
    both_have_begun = threading.Event()
    mirror.before_answer = lambda: both_have_begun.wait(timeout=60)
    processes = [fetching_process(tmp_path, mirror) for _ in range(2)]
    both_have_begun.set()
    endings = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert endings == [("", 0)] * 2
    assert mirror.requests == ["/images.gz", "/labels.gz"]
    assert_complete(tmp_path)


def test_threads_that_ask_at_once_download_once(mirror: Mirror, tmp_path: Path) -> None:
    threads = [threading.Thread(target=fetch, args=(tmp_path, mirror.url)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mirror.requests == ["/images.gz", "/labels.gz"]
    assert_complete(tmp_path)


def test_what_a_killed_download_left_is_cleared_by_the_next(mirror: Mirror, tmp_path: Path) -> None:
    half_is_sent, may_hang_up = threading.Event(), threading.Event()

    def hold() -> None:
        half_is_sent.set()
        may_hang_up.wait(timeout=60)

    mirror.cut_short, mirror.before_hanging_up = True, hold
    process = fetching_process(tmp_path, mirror)
    assert half_is_sent.wait(timeout=60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    may_hang_up.set()
    assert (tmp_path / ".download-made_up").is_dir()
    assert not (tmp_path / "Made").exists()
    (tmp_path / ".download-made_up" / "stray").write_text("from a version that left something else")

    mirror.cut_short = False
    fetch(tmp_path, mirror.url)
    assert_complete(tmp_path)
