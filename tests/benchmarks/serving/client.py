"""A load generator for where wrk is not; it is called with URL, folder, media type, connections and seconds.

It ends with the same line as `requests.lua`. It takes most of a core, so that what it says is a lower bound.
"""

import asyncio
import json
import sys
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from urllib.parse import urlsplit

import uvloop

END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Connection(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next."""

    def __init__(self, requests: list[bytes], taken: list[float]) -> None:
        self._requests, self._taken = cycle(requests), taken
        self._received = b""
        self.errors = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, content = self._received.partition(END)
        if found and len(content) >= _length(head):
            self._taken.append(perf_counter() - self._sent)
            self.errors += head[9:10] != b"2"
            self._received = b""
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.errors += exc is not None

    def _send(self) -> None:
        self._sent = perf_counter()
        self._transport.write(next(self._requests))


def _length(head: bytes) -> int:
    line = next(each for each in head.lower().split(b"\r\n") if each.startswith(LENGTH))
    return int(line[len(LENGTH) :])


def _requests(url: str, folder: Path, media_type: str) -> list[bytes]:
    parts = urlsplit(url)
    files = sorted(folder.iterdir(), key=lambda file: int(file.name))
    first = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {media_type}\r\nContent-Length: "
    return [f"{first}{file.stat().st_size}\r\n\r\n".encode() + file.read_bytes() for file in files]


async def _load(host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> dict[str, float]:
    taken: list[float] = []
    loop, began = asyncio.get_running_loop(), perf_counter()
    opened = [await loop.create_connection(lambda: Connection(requests, taken), host, port) for _ in range(connections)]
    await asyncio.sleep(seconds)
    passed, done = perf_counter() - began, [*taken]
    for transport, _ in opened:
        transport.abort()
    parts = [1_000 * each for each in quantiles(done, n=100)]
    errors = sum(protocol.errors for _, protocol in opened)
    return {"requests": len(done), "seconds": passed, "p50_ms": parts[49], "p99_ms": parts[98], "errors": errors}


def main(url: str, folder: str, media_type: str, connections: str, seconds: str) -> None:
    """Load, and say how it went."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    requests = _requests(url, Path(folder), media_type)
    found = uvloop.run(_load(address.hostname, address.port, requests, int(connections), float(seconds)))
    print(json.dumps(found))  # noqa: T201  # its answer


if __name__ == "__main__":
    main(*sys.argv[1:])
