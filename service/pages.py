"""The dashboard's own files as they are sent: plain ES modules, CSS and one HTML page, without a build step."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from service.errors import NotFoundError

FOLDER = Path(__file__).parent / "web"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class PageFile(NamedTuple):
    """One file, ready to be sent."""

    content: bytes
    compressed: bytes
    """With gzip."""
    etag: str
    media_type: str


def find(path: str) -> PageFile:
    """The file of this path below `service/web`; `NotFoundError` for whatever else is asked for."""
    # What a client names is looked up in a list and never on the disk.
    file = next((each for each in FOLDER.rglob("*") if each.relative_to(FOLDER).as_posix() == path), None)
    if file is None or file.suffix not in MEDIA_TYPES:
        raise NotFoundError(f"the dashboard has no file {path[:60]!r}")
    facts = file.stat()
    return _read(file, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=512)
def _read(file: Path, changed: int, size: int) -> PageFile:  # noqa: ARG001  # a file that was changed is read anew
    content = file.read_bytes()
    return PageFile(
        content=content,
        compressed=gzip.compress(content, mtime=0),
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        media_type=MEDIA_TYPES[file.suffix],
    )
