"""One of several API processes: what it does in its own process."""

import signal
import socket
import sys
import threading
from multiprocessing.connection import Connection

from service import logs
from service.api.server import ApiServer
from service.settings import Settings

STARTED = b"started"
NEVER_STARTED = 3
"""The exit status of one that never answered, as uvicorn has it."""


def answer(settings: Settings, listener: socket.socket, parent: Connection) -> None:
    """Answer requests, and tell the parent when that begins: until SIGTERM, SIGINT or the end of the parent's pipe.

    So it ends with its parent, however that one ended.
    """
    logs.configure(settings)
    server = ApiServer(settings, on_start=lambda: parent.send_bytes(STARTED), on_end=lambda: None)

    def end(*_: object) -> None:
        server.end()

    def follow_parent() -> None:
        try:
            parent.recv_bytes()
        except (EOFError, OSError):
            server.end()

    for each in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them once more when it has ended: not to die of it
        signal.signal(each, end)
    threading.Thread(target=follow_parent, name="parent", daemon=True).start()
    server.answer(listener)
    sys.exit(NEVER_STARTED if server.failed else 0)
