"""The service of the command line's tests, for the client alone."""

from tests.cli.conftest import client, service

__all__ = ["client", "service"]
