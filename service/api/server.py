"""uvicorn, whose end is not held up by readers that wait."""

import socket

import uvicorn

CHANGES = "changes"
"""The name under which the app's lifespan hands its `Changes` to the server."""


class Server(uvicorn.Server):
    """Ends all waits first when it is told to end; uvicorn by itself would wait for them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Then stop as uvicorn does: requests in flight are answered before the app's own end."""
        if CHANGES in self.lifespan.state:
            self.lifespan.state[CHANGES].close()
        await super().shutdown(sockets)
