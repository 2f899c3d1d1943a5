"""Archives from the network into the data folder: all of them or nothing, and once, however many ask.

Everything is fetched, checked and unpacked in a folder `.download-...` inside the data folder, and then moved into
place file by file; a rename is atomic, so a file with its final name is whole. A lock file keeps other processes and
threads waiting; the kernel opens it when its holder dies, and whoever comes next throws away what was left lying.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from filelock import FileLock

from service.errors import DatasetUnavailableError

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""The longest wait for the next bytes; a download as a whole takes as long as it takes."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Archive:
    """A file to fetch: its name, its MD5 in hexadecimal and where it is to be had, tried in this order."""

    name: str
    md5: str
    urls: tuple[str, ...]


class _FetchError(Exception):
    """An archive was not to be had; the message says where and why."""


def is_complete(folder: Path, files: Iterable[str]) -> bool:
    """Whether every one of `files` lies in `folder`."""
    return all((folder / name).is_file() for name in files)


def download(
    dataset: str,
    archives: Iterable[Archive],
    *,
    data_dir: Path,
    folder: str,
    files: tuple[str, ...],
    unpack: Callable[[Path], object],
) -> None:
    """Brings `files`, and the archives they come from, into `data_dir / folder`, unless they are there by then.

    `unpack` is given a stand-in for `data_dir` whose `folder` holds the checked archives, and has to make `files`
    there; what it raises ends the download. Raises DatasetUnavailableError; whatever happens, no part of a file gets a
    final name.
    """
    place = data_dir / folder
    workshop = data_dir / f".download-{dataset}"
    archives = tuple(archives)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(data_dir / f".download-{dataset}.lock"):
            if is_complete(place, files):
                return
            shutil.rmtree(workshop, ignore_errors=True)
            try:
                (workshop / folder).mkdir(parents=True)
                _fetch_all(archives, workshop / folder, dataset=dataset)
                unpack(workshop)
                for name in dict.fromkeys([*(archive.name for archive in archives), *files]):
                    publish(workshop / folder / name, place / name)
            finally:
                shutil.rmtree(workshop, ignore_errors=True)
    except _FetchError as error:
        raise DatasetUnavailableError(
            f"The data set {dataset} is not on this machine and could not be downloaded. {error}. "
            f"Set ARDOISE_DATASET_MIRROR to a server that has it, or put the files {', '.join(files)} "
            f"into ARDOISE_DATA_DIR/{folder}."
        ) from error
    except OSError as error:
        raise DatasetUnavailableError(
            f"The data set {dataset} could not be written to ARDOISE_DATA_DIR/{folder}: "
            f"{error.strerror or error}. Give ARDOISE_DATA_DIR a folder that can be written and has room."
        ) from error


def _fetch_all(archives: Iterable[Archive], place: Path, *, dataset: str) -> None:
    import httpx

    with httpx.Client(
        follow_redirects=True,
        timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
        # The archives are compressed themselves: a server's own compression must not be undone on the way.
        headers={"Accept-Encoding": "identity"},
    ) as client:
        for archive in archives:
            _fetch(client, archive, place / archive.name, dataset=dataset)


def _fetch(client: "httpx.Client", archive: Archive, target: Path, *, dataset: str) -> None:
    causes = []
    for url in archive.urls:
        shown = re.sub(r"//[^/@]*@", "//", url)  # a mirror's address may hold a password
        _log.info("A data set file is being downloaded", dataset=dataset, url=shown)
        try:
            md5 = _stream(client, url, target)
        except _FetchError as error:
            causes.append(f"{shown}: {error}")
            continue
        if md5 == archive.md5:
            return
        causes.append(f"{shown}: the file received has the MD5 checksum {md5}, not {archive.md5}")
    raise _FetchError("; ".join(causes))


def _stream(client: "httpx.Client", url: str, target: Path) -> str:
    """Writes the body to `target` and returns its MD5; _FetchError where it does not come whole."""
    import httpx

    digest = hashlib.md5(usedforsecurity=False)
    try:
        with target.open("wb") as file, client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise _FetchError(f"HTTP status {response.status_code} {response.reason_phrase}")
            for chunk in response.iter_raw():
                digest.update(chunk)
                file.write(chunk)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _FetchError(str(error) or type(error).__name__) from error
    return digest.hexdigest()


def publish(file: Path, target: Path) -> None:
    """Moves a whole file into place; its bytes reach the disk first, lest a power cut leave a name without them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with file.open("r+b") as written:
        os.fsync(written.fileno())
    file.replace(target)
