"""The command line `ardoise`: one module for what is done with one kind of thing.

Nothing that computes or serves is imported before a command needs it, so that `--help` and every question to a running
service come at once.
"""

import sys

import typer

from service.cli import (
    admitting,
    archiving,
    asking,
    commenting,
    comparing,
    evaluating,
    exporting,
    labs,
    predicting,
    recounting,
    registering,
    running,
    safekeeping,
    submitting,
    sweeping,
    watching,
)
from service.connection import ClientError
from service.errors import ArdoiseError

commands = typer.Typer(
    name="ardoise",
    help="A self-hosted bench that trains handwritten-digit networks, shows how they learn and serves predictions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

commands.command()(running.serve)
commands.command()(running.worker)
commands.command()(running.migrate)
commands.command()(running.demo)
commands.command()(safekeeping.backup)
commands.command()(safekeeping.restore)
commands.command()(safekeeping.gc)
commands.command()(submitting.submit)
commands.command()(sweeping.sweep)
commands.command()(watching.watch)
commands.command("list")(asking.list_)
commands.command()(asking.show)
commands.command()(recounting.history)
commands.command()(asking.cancel)
commands.command()(asking.curves)
commands.command()(commenting.findings)
commands.command()(commenting.note)
commands.command()(comparing.compare)
commands.command()(asking.presets)
commands.command()(predicting.predict)
commands.command()(exporting.export)
commands.command()(archiving.archive)
commands.command()(evaluating.evaluate)
commands.command()(evaluating.evaluations)
commands.add_typer(registering.commands, name="model")
commands.add_typer(labs.commands, name="lab")
commands.add_typer(admitting.tokens, name="token")
commands.add_typer(admitting.shares, name="share")


def app() -> None:
    """Run the command; what goes wrong on purpose is one line on stderr and exit status 1."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without the shades of a digit is no reason to stop
    try:
        commands()
    except (ArdoiseError, ClientError) as error:
        typer.echo(f"ardoise: {error}", err=True)
        sys.exit(1)
