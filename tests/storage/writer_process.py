"""What other processes do to a database in these tests: `writer_process.py migrate|begin|claim|count URL [TIMES]`.

Each waits for a line on its input, so that all begin at once, and prints what it got.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from service.storage import Database, migrations, queue
from service.storage.tables import ExperimentRow


def migrate(database: Database) -> None:
    """Bring a database up to date."""
    migrations.upgrade(database)


def begin(database: Database) -> None:
    """What every process does with its database when it starts."""
    migrations.ensure_current(database)


def claim(database: Database) -> None:
    """Take all there is; print each id and attempt."""
    while True:
        with database.writing() as session:
            run = queue.claim(session, worker="process:1", lease_seconds=60.0, now=datetime.now(UTC))
        if run is None:
            return
        print(run.experiment_id, run.attempt)  # noqa: T201  # the parent reads it


def count(database: Database, times: int) -> None:
    """Read a number of the first row and store the next, `times` times."""
    for _ in range(times):
        with database.writing(durable=False) as session:
            row = session.scalars(sa.select(ExperimentRow).order_by(ExperimentRow.id).limit(1)).one()
            row.epoch += 1


def main(task: str, url: str, *numbers: str) -> None:
    """Do it once told to."""
    database = Database(url)
    print("ready", flush=True)  # noqa: T201  # the parent waits for it
    sys.stdin.readline()
    tasks: dict[str, Callable[..., None]] = {"migrate": migrate, "begin": begin, "claim": claim, "count": count}
    tasks[task](database, *map(int, numbers))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
