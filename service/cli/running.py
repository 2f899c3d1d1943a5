"""The commands that run the service on this machine."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from service.errors import ArdoiseError
from service.settings import Settings

WORKERS_HELP = "Worker processes: a number, or auto for one a core, or one for a GPU."


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.")] = None,
    api_processes: Annotated[int | None, typer.Option(help="Processes that answer requests, behind that port.")] = None,
    workers: Annotated[str | None, typer.Option(help=f"{WORKERS_HELP} 0: the API alone.")] = None,
    until_stdin_closes: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Serve the API and train, until Ctrl-C or SIGTERM.

    What is not given is taken from the ARDOISE_ environment variables.
    """
    from service import serving

    settings = read_settings(host=host, port=port, api_processes=api_processes, workers=workers)
    trainers = (
        f"{settings.worker_count} worker{'s' * (settings.worker_count > 1)}"
        if settings.worker_count
        else "no worker: nothing is trained here"
    )

    answering = f"{settings.api_processes} API processes, " if settings.api_processes > 1 else ""

    def announce(url: str) -> None:
        typer.echo(
            f"Ardoise serves at {url} ({answering}{trainers}; data in {settings.home.resolve()}; Ctrl-C ends it)"
        )

    listener = serving.listen(settings)
    serving.serve(settings, listener, announce=announce, until_stdin_closes=until_stdin_closes)


def worker(
    count: Annotated[
        int | None, typer.Option(min=1, max=256, help="Worker processes; default: ARDOISE_WORKERS.")
    ] = None,
    drain: Annotated[bool, typer.Option("--drain", help="End once the queue is empty.")] = False,
) -> None:
    """Train what is queued, without an API, on the same database and artifacts."""
    from service import workforce

    settings = read_settings(workers=count)
    command = workforce.supervisor_command(count=max(1, settings.worker_count), arguments=("--drain",) if drain else ())
    # In place of this process: signals and the exit status are the supervisor's own.
    os.execve(command[0], command, workforce.environment(settings))  # noqa: S606  # our own interpreter and module


def migrate() -> None:
    """Bring the database up to date; on SQLite the service does so by itself."""
    from service.storage import migrations
    from service.storage.engine import Database

    database = Database(read_settings().database)
    try:
        migrations.upgrade(database)
    finally:
        database.close()
    typer.echo(f"{database.url.render_as_string(hide_password=True)} is up to date")


def demo(
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="Epochs of each run.")] = 25,
    workers: Annotated[str, typer.Option(help=WORKERS_HELP)] = "auto",
    output: Annotated[Path, typer.Option(help="Where the picture of the learning curves goes.")] = Path(
        "ardoise-demo.png"
    ),
    once: Annotated[bool, typer.Option("--once", help="End when all is shown, on a terminal too.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder of the service.")] = False,
) -> None:
    """Compare a perceptron, dense networks and a convolutional one on real digits, from nothing to predictions."""
    from service.cli import demonstration

    demonstration.run(epochs=epochs, workers=workers, output=output, once=once, keep=keep)


def read_settings(**overrides: Any) -> Settings:
    """The environment's settings, those given as arguments first; ArdoiseError names the wrong one."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = str(wrong["loc"][0])
        where = f"--{name.replace('_', '-')}" if overrides.get(name) is not None else f"ARDOISE_{name.upper()}"
        allowed = " or ".join(each["msg"].lower() for each in error.errors() if each["loc"][0] == name)
        raise ArdoiseError(f"{where}={wrong['input']}: {allowed}") from error
