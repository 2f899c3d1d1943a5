"""uvicorn, whose end is not held up by readers that wait."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from service.api.connections import Watch
from service.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

CHANGES = "changes"
"""The name under which the app's lifespan hands its `Changes` to the server."""
LAST_REQUESTS_SECONDS = 5
"""How long requests in flight have when the service ends."""
PROTOCOL = "service.api.quick_connections:QuickConnection"
"""By its name, for it imports what takes a second."""


class Server(uvicorn.Server):
    """Waits for no client for ever, and ends all waits first when it is told to end; uvicorn by itself does neither."""

    def __init__(self, config: uvicorn.Config) -> None:
        config.http = PROTOCOL
        super().__init__(config)
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does; then look after the connections."""
        await super().startup(sockets)
        self._watching = asyncio.create_task(Watch(self.server_state.connections).keep())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Then stop as uvicorn does: requests in flight are answered before the app's own end."""
        if CHANGES in self.lifespan.state:
            self.lifespan.state[CHANGES].close()
        await super().shutdown(sockets)
        if self._watching is not None:
            self._watching.cancel()


class ApiServer(Server):
    """The server of the whole API in this process: it calls `on_start` when it answers and `on_end` when it ends."""

    def __init__(self, settings: Settings, *, on_start: Callable[[], None], on_end: Callable[[], None]) -> None:
        def app() -> "FastAPI":
            from service.app import create_app  # takes a second: others are on their way meanwhile

            return create_app(settings)

        super().__init__(
            uvicorn.Config(
                app,
                factory=True,
                log_config=None,  # service/logs.py has it
                access_log=False,  # service/api/requests.py writes it
                server_header=False,
                timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
            )
        )
        self._on_start, self._on_end = on_start, on_end

    def answer(self, listener: socket.socket) -> None:
        """Until it is told to end."""
        with contextlib.suppress(SystemExit):  # uvicorn's word for an app that did not start
            self.run(sockets=[listener])

    @property
    def failed(self) -> bool:
        """True where it never answered."""
        return not self.started

    def end(self) -> None:
        """Accept nothing more, answer what is in flight, and return from `answer`."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does."""
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As `Server` does."""
        self._on_end()
        await super().shutdown(sockets)
