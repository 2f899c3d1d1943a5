"""`ardoise serve`: the API in this process or in several below it, the workers as children of it."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from service import listening, logs
from service.api.replicas import Replicas
from service.api.server import ApiServer
from service.errors import ArdoiseError
from service.housekeeping import Housekeeping
from service.settings import Settings
from service.storage import Database, migrations, tokens
from service.workforce import Workforce


def serve(
    settings: Settings, listener: socket.socket, *, announce: Callable[[str], None], until_stdin_closes: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second SIGINT ends at once.

    `announce` is called with the URL once requests are answered. Raises ArdoiseError where the API cannot start.
    """
    logs.configure(settings)
    workforce, housekeeping = Workforce(settings), Housekeeping(settings)
    url = _url(listener)
    api = (ApiServer if settings.api_processes == 1 else Replicas)(
        settings,
        on_start=lambda: announce(url),
        on_end=workforce.end,  # the workers end while the last requests do
    )

    def end(*_: object) -> None:
        api.end()

    for each in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them once more when it has ended: not to die of it
        signal.signal(each, end)
    if until_stdin_closes:
        threading.Thread(target=_call_at_end_of_stdin, args=(end,), daemon=True).start()
    workforce.start()
    housekeeping.start()
    try:
        api.answer(listener)
    finally:
        if api.force_exit:
            workforce.hurry()
        signal.signal(signal.SIGINT, lambda *_: workforce.hurry())
        workforce.end()
        housekeeping.end()
        workforce.join()
    if api.failed:
        raise ArdoiseError("the API did not start; the log above says why")


def listen(settings: Settings) -> socket.socket:
    """A socket that listens as the settings say; ArdoiseError where it cannot.

    So it is where other machines reach the address and there is no token yet, with which they could be let in.
    """
    address = listening.resolve(settings.host, settings.port)
    if not listening.is_this_machine_alone(address) and not _has_tokens(settings):
        raise ArdoiseError(
            f"other machines reach {settings.host!r} and there is no token yet: make one first with "
            "`ardoise token create --role admin --owner NAME`, or listen on 127.0.0.1"
        )
    return listening.listen(address)


def _has_tokens(settings: Settings) -> bool:
    database = Database(settings.database)
    try:
        migrations.ensure_current(database)
        with database.reading() as session:
            return tokens.exist(session)
    finally:
        database.close()


def _call_at_end_of_stdin(end: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    end()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  # recognised, not listened on
    return f"http://{shown}:{port}"
