"""A connection on which one small image after another is sent: what comes as it came before skips the parser.

A request in one piece, with a head that is known (`repeated_heads.py`), goes from the socket to its network's lane and
from there back to the socket, without a task and without the framework. Everything else is the usual parser's, which
finds all bytes as they came: it is never given a part of what was answered here.
"""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from http import HTTPStatus
from time import perf_counter
from typing import Any, cast

from starlette.types import Scope

from service.api import guard, quick_predictions, requests
from service.api.connections import Connection
from service.api.repeated_heads import Asked, Head, Heads
from service.errors import BusyError
from service.inference.desk import ClientGoneError

HEADS = "heads"
"""The name under which the app's lifespan hands its `Heads`, by the address that a connection came to."""
END = b"\r\n\r\n"
LONGEST_HEAD = 2048


Headers = tuple[tuple[bytes, bytes], ...]
JSON: Headers = (*guard.shut([quick_predictions.JSON]),)


@dataclass(slots=True)
class _Turn:
    """A request of this connection that is answered here, as uvicorn looks at one of its own."""

    response_complete: bool = True
    more_body: bool = False
    keep_alive: bool = True
    disconnected: bool = False
    message_event: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the client has gone."""


class QuickConnection(Connection):
    """Answers by itself what is known, and else is as `Connection`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        super().connection_made(transport)
        heads = self.app_state.get(HEADS)
        self._heads: Heads | None = None if heads is None else heads(self.server)
        self._turn = _Turn()
        self._early = b""
        """What came while a request was answered here."""

    def data_received(self, data: bytes) -> None:
        """A whole request, or any part of some."""
        if not self._turn.response_complete:
            self._early += data
            self.flow.pause_reading()  # one at a time
            return
        end = data.find(END, 0, LONGEST_HEAD) + len(END)
        if self._heads is None or end < len(END) or not self._is_between_requests:
            super().data_received(data)
            return
        raw = data[:end]
        head = self._heads.get(raw)
        if head is None:
            before = self.requests
            super().data_received(data)
            if self.requests == before + 1 and not self.in_head and self.cycle.keep_alive and not self.cycle.more_body:
                self._heads.learn(raw, cast("Scope", self.scope), length=len(data) - end)
        elif end + head.length == len(data):
            self._begin(head, data, end)
        else:
            super().data_received(data)

    @property
    def _is_between_requests(self) -> bool:
        """The parser has seen whole requests only, and all of them are answered."""
        cycle = self.cycle
        if self.in_head or self.transport.is_closing() or self.flow.write_paused:
            return False
        return cycle is None or (cycle.response_complete and not cycle.more_body)

    def _begin(self, head: Head, data: bytes, end: int) -> None:
        self._unset_keepalive_if_required()
        self.requests += 1
        self._turn.response_complete = False
        self.cycle = cast("Any", self._turn)
        # After what else came in by the same look at the sockets: the database is looked at once for all of it.
        self.loop.call_soon(self._ask, head, data, end, perf_counter())

    def _ask(self, head: Head, data: bytes, end: int, began: float) -> None:
        assert self._heads is not None  # noqa: S101  # the head is from there
        asked = None if self._turn.disconnected else self._heads.ask(head, data[end:], self._until_gone)
        if asked is not None:
            asked.answer.add_done_callback(partial(self._answered, asked, head, data, began))
        elif self._turn.disconnected:
            head.account(status=0, began=began, request_id=requests.new_id())
        else:
            self._take_usual_way(data)

    def _answered(self, asked: Asked, head: Head, data: bytes, began: float, _: object) -> None:
        request_id = requests.new_id()
        fixed: Headers = ()
        try:
            content = asked.content()
        except BusyError as error:
            status, headers, content = head.busy(error, request_id=request_id)
            own = _written((*guard.shut(headers),))
        except ClientGoneError:
            head.account(status=0, began=began, request_id=request_id)
            return
        except Exception:  # noqa: BLE001  # the usual way finds it as well, and says what it is
            self._take_usual_way(data)
            return
        else:
            status, fixed = 200, JSON
            own = b"%b: %b\r\ncontent-length: %d\r\n" % (requests.RAW_HEADER, request_id.encode(), len(content))
        self._send(status, own, fixed, content)
        head.account(status=status, began=began, request_id=request_id)
        self._turn.response_complete = True
        self.on_response_complete()
        self._take_early()

    def _send(self, status: int, own: bytes, fixed: Headers, content: bytes) -> None:
        if self._turn.disconnected:
            return
        lines = _written((*self.server_state.default_headers, *fixed))
        if not self._turn.keep_alive:
            own += b"connection: close\r\n"
        self.transport.write(b"%b%b%b\r\n%b" % (_line(status), lines, own, content))
        if not self._turn.keep_alive:
            self.transport.close()

    def _take_usual_way(self, data: bytes) -> None:
        self._turn.response_complete = True
        super().data_received(data)
        self._take_early()

    def _take_early(self) -> None:
        if self._early:
            self.flow.resume_reading()
            early, self._early = self._early, b""
            self.data_received(early)

    async def _until_gone(self) -> MutableMapping[str, Any]:
        await self._turn.message_event.wait()
        return {"type": "http.disconnect"}


@cache
def _line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


@lru_cache(16)
def _written(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % each for each in headers])
