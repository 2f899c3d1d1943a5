"""Where the service listens, and who can reach it there."""

import errno
import socket
from typing import Any

from service.domain.origins import is_loopback_address
from service.errors import ArdoiseError

Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def resolve(host: str, port: int) -> Address:
    """The address that a host means, as the system understands it: `0`, `::` and nothing at all are every interface."""
    try:
        found = socket.getaddrinfo(
            host.strip().removeprefix("[").removesuffix("]") or None, port,
            type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE,
        )  # fmt: skip
    except (OSError, UnicodeError) as error:
        raise ArdoiseError(
            f"{host!r} is no address to listen on: {getattr(error, 'strerror', None) or error}"
        ) from error
    # Of several, the oldest kind, which programs that know nothing of the other reach as well.
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, address


def is_this_machine_alone(address: Address) -> bool:
    """True where nobody else reaches it."""
    return is_loopback_address(str(address[1][0]).partition("%")[0])


def listen(address: Address) -> socket.socket:
    """A socket that listens there; on port 0, on any free port. ArdoiseError says why it cannot."""
    family, where = address
    host, port = where[:2]
    try:
        return socket.create_server(where[:2], family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = "is in use by another program: stop it, or choose another port with --port or ARDOISE_PORT"
        elif error.errno == errno.EACCES:
            advice = "may not be listened on by this user: choose a port from 1024 on with --port or ARDOISE_PORT"
        else:
            advice = f"cannot be listened on: {error.strerror or error}"
        raise ArdoiseError(f"port {port} of {host} {advice}") from error
