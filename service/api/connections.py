"""A client's connection, which uvicorn would wait on for ever: how long a client may take, and how many there may be.

A request costs nothing for it: once in `LOOK_SECONDS` all connections are looked at, and what has not moved on since is
counted. Who takes too long is hung up on, with one line in the log.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from weakref import WeakKeyDictionary

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LOOK_SECONDS = 1.0
MOST_HEAD_BYTES = 64 * 1024
"""Of a request's line and headers."""
MOST_CONNECTIONS = 4096
"""Of one process; the next is answered 503 at once."""

log = structlog.get_logger(__name__)


class Phase(StrEnum):
    """What a connection waits for."""

    HEAD = "head"
    """Of the first request, or of another: then it may be idle as well."""
    BODY = "body"
    READER = "reader"
    """That the client takes what was written for it."""
    ANSWER = "answer"
    """That is ours to give."""


PATIENCE_SECONDS = {Phase.HEAD: 10.0, Phase.BODY: 60.0, Phase.READER: 60.0}
"""How long a phase may last; of a reader, how long without taking anything."""


class Connection(HttpToolsProtocol):
    """As uvicorn's, with limits; what it refuses by itself it refuses with a problem as in RFC 9457."""

    in_head = False
    """Some of a request's line and headers have come, not all."""
    head_bytes = 0
    requests = 0
    """Whose head was whole."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Refuse it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open: try again", retry_seconds=5)

    def on_message_begin(self) -> None:
        """As the parser calls it."""
        self.in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """As the parser calls it."""
        self.in_head = False
        self.requests += 1
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that does not end."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if not self.in_head:
            self.head_bytes = 0
            return
        self.head_bytes += len(data)
        if self.head_bytes > MOST_HEAD_BYTES:
            self.refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request's line and headers are larger than {MOST_HEAD_BYTES:,} bytes",
            )

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self.refuse(HTTPStatus.BAD_REQUEST, msg[:1].lower() + msg[1:].rstrip("."))

    def refuse(self, status: HTTPStatus, detail: str, *, retry_seconds: int | None = None) -> None:
        """Answer by itself, and hang up."""
        problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
        content = json.dumps(problem).encode()
        retry = f"Retry-After: {retry_seconds}\r\n" if retry_seconds else ""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(content)}\r\n{retry}Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()

    @property
    def phase(self) -> Phase:
        """What it waits for now."""
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.get_write_buffer_size():
            return Phase.READER
        if cycle is None or cycle.response_complete:
            return Phase.HEAD
        return Phase.BODY if cycle.more_body else Phase.ANSWER


@dataclass(frozen=True)
class _Seen:
    """A connection at one look."""

    phase: Phase
    requests: int
    """That it has made."""
    left: int
    """Bytes that its reader has not taken yet."""


class Watch:
    """Looks at all connections of a server, until it is cancelled."""

    def __init__(self, connections: Iterable[object]) -> None:
        """The server's own set."""
        self._connections = connections
        self._since: WeakKeyDictionary[Connection, tuple[_Seen, float]] = WeakKeyDictionary()

    async def keep(self) -> None:
        """Look, wait, and look again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look(asyncio.get_running_loop().time())

    def look(self, now: float) -> None:
        """Hang up on who has taken too long."""
        for each in [*self._connections]:
            if not isinstance(each, Connection) or each.transport.is_closing():
                continue
            seen = _Seen(phase=each.phase, requests=each.requests, left=each.transport.get_write_buffer_size())
            before, since = self._since.get(each, (seen, now))
            if before != seen:
                since = now
            self._since[each] = seen, since
            if now - since > PATIENCE_SECONDS.get(seen.phase, float("inf")):
                log.info("hung up on a client that took too long", waited_for=seen.phase, seconds=round(now - since, 1))
                each.transport.abort()
