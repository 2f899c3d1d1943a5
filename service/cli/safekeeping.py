"""`ardoise backup`, `restore` and `gc`: all experiments as one file, and back; room on the disk."""

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from service.cli.options import console
from service.cli.running import read_settings
from service.settings import Settings

if TYPE_CHECKING:
    from service.storage import Database

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, a tar file.")]


def backup(file: File) -> None:
    """Write the database and every checkpoint and model to one file, while the service runs, and verify it."""
    from service import backup as backups

    with _opened() as (settings, database), _bar() as show:
        made = backups.write(database, settings.artifacts_dir, file, progress=show)
    _tell_damaged(made.damaged, "is damaged, and not in the backup")
    typer.echo(f"{file}: the database and {made.checkpoints:,} checkpoints, {made.bytes:,} bytes, verified")


def restore(
    file: File,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there already.")] = False,
) -> None:
    """Put a backup into ARDOISE_HOME, which must be empty; what ran when it was made waits in the queue again."""
    from service import restoring

    with _opened() as (settings, database), _bar() as show:
        found = restoring.restore(
            database, settings.artifacts_dir, file, force=force, now=datetime.now(UTC), progress=show
        )
    _tell_damaged(found.damaged, "had been damaged, and was not in the backup")
    typer.echo(f"{settings.home.resolve()}: the database and {found.checkpoints:,} checkpoints of {file}")


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    keep_days: Annotated[float | None, typer.Option(help="In place of ARDOISE_KEEP_DAYS.")] = None,
    keep_bytes: Annotated[int | None, typer.Option(help="In place of ARDOISE_KEEP_BYTES.")] = None,
) -> None:
    """Remove the weights of runs as the settings say, and files that no row names; `serve` does the same by the hour.

    Specs, figures, curves and notes stay, and so do the weights of runs that a model comes from, that have a note or
    that answer a lab sheet.
    """
    from service import housekeeping, retention

    with _opened(keep_days=keep_days, keep_bytes=keep_bytes) as (settings, database):
        root, now = settings.artifacts_dir, datetime.now(UTC)
        found = retention.plan(database, root, housekeeping.policy_of(settings), now=now)
        if not dry_run:
            found = retention.carry_out(database, root, found, now=now)
    table = Table("run", "name", "state", "ended", "bytes", box=None, pad_edge=False)
    for each in found.runs:
        ended = f"{each.finished_at:%Y-%m-%d %H:%M}"
        table.add_row(each.experiment_id, Text(each.name), each.state, ended, f"{each.bytes:,}")
    if found.runs:
        console().print(table)
    what = "would go" if dry_run else "went"
    typer.echo(
        f"{found.bytes:,} bytes {what}: the weights of {_count(found.runs, 'run')}, "
        f"and {_count(found.leftovers, 'folder')} that no row names"
    )


@contextmanager
def _opened(**overrides: float | None) -> "Iterator[tuple[Settings, Database]]":
    from service.storage import Database

    settings = read_settings(**overrides)
    database = Database(settings.database)
    try:
        yield settings, database
    finally:
        database.close()


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, and nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    out = console(stderr=True)
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bars:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        yield show


def _count(things: Sized, word: str) -> str:
    return f"{len(things):,} {word}{'s' * (len(things) != 1)}"


def _tell_damaged(damaged: tuple[str, ...], what: str) -> None:
    for each in damaged:
        typer.echo(f"{each} {what}", err=True)
