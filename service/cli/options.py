"""The options that several commands share, and the connection and the consoles that come from them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from service.client import Client
from service.connection import ClientError, UnreachableError

DEFAULT_URL = "http://127.0.0.1:8000"
UNCUT_WIDTH = 10_000
"""Columns of an output that is no terminal: a program that reads it must see every id whole."""

Url = Annotated[str, typer.Option(envvar="ARDOISE_URL", help="Where the service is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer for programs.")]
ExperimentId = Annotated[str, typer.Argument(metavar="ID", help="The experiment's id.")]


@contextmanager
def connected(url: str, *, owner: str | None = None) -> Iterator[Client]:
    """A client; where nobody answers, the error says what to do about it."""
    with Client(url, owner=owner) as client:
        try:
            yield client
        except UnreachableError as error:
            raise ClientError(
                f"{error}; start the service with `make serve` or `ardoise serve`, or name another with --url"
            ) from error


def console(*, stderr: bool = False) -> Console:
    """A console that cuts nothing short where its output is no terminal."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr, highlight=False, markup=False, soft_wrap=True, width=None if stream.isatty() else UNCUT_WIDTH
    )


def usage_error(message: str) -> NoReturn:
    """A wrong argument: the message and exit status 2."""
    raise typer.BadParameter(message)
