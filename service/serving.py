"""`ardoise serve`: the API in this process, the workers as children of it."""

import contextlib
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from service import logs
from service.api.server import Server
from service.errors import ArdoiseError
from service.settings import Settings
from service.workforce import Workforce

if TYPE_CHECKING:
    from fastapi import FastAPI

LAST_REQUESTS_SECONDS = 5
"""How long requests in flight have when the service ends."""


def serve(
    settings: Settings, listener: socket.socket, *, announce: Callable[[str], None], until_stdin_closes: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second SIGINT ends at once.

    `announce` is called with the URL once requests are answered. Raises ArdoiseError where the API cannot start.
    """
    logs.configure(settings)
    workforce = Workforce(settings)
    server = _Server(settings, workforce, lambda: announce(_url(listener)))

    def end(*_: object) -> None:
        server.should_exit = True

    for each in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them once more when it has ended: not to die of it
        signal.signal(each, end)
    if until_stdin_closes:
        threading.Thread(target=_call_at_end_of_stdin, args=(end,), daemon=True).start()
    workforce.start()
    try:
        with contextlib.suppress(SystemExit):  # uvicorn's word for an app that did not start
            server.run(sockets=[listener])
    finally:
        if server.force_exit:
            workforce.hurry()
        signal.signal(signal.SIGINT, lambda *_: workforce.hurry())
        workforce.end()
        workforce.join()
    if not server.started:
        raise ArdoiseError("the API did not start; the log above says why")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; on port 0, on any free port. ArdoiseError says why it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = "is in use by another program: stop it, or choose another port with --port or ARDOISE_PORT"
        elif error.errno == errno.EACCES:
            advice = "may not be listened on by this user: choose a port from 1024 on with --port or ARDOISE_PORT"
        else:
            advice = f"cannot be listened on: {error.strerror or error}"
        raise ArdoiseError(f"port {port} of {host} {advice}") from error


class _Server(Server):
    """The API's server, which says when it answers, and lets the workers end while its last requests do."""

    def __init__(self, settings: Settings, workforce: Workforce, announce: Callable[[], None]) -> None:
        def app() -> "FastAPI":
            from service.app import create_app  # takes a second: the workers are on their way meanwhile

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
        self._workforce, self._announce = workforce, announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._workforce.end()
        await super().shutdown(sockets)


def _call_at_end_of_stdin(end: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    end()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  # recognised, not listened on
    return f"http://{shown}:{port}"
