"""Whatever a worker writes about a run is behind a statement that finds no row once another attempt has begun."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from tests.workers.conftest import Bench

OF_RUNS = ("experiments", "epochs", "checkpoints", "diagnostics", "history")


@contextmanager
def transactions(bench: Bench) -> Iterator[list[list[str]]]:
    """The statements that change something, transaction by transaction."""
    seen: list[list[str]] = []

    def on_begin(_connection: sa.Connection) -> None:
        seen.append([])

    def on_statement(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE", "WITH")):
            seen[-1].append(" ".join(statement.split()))

    engine = bench.database.engine
    sa.event.listen(engine, "begin", on_begin)
    sa.event.listen(engine, "before_cursor_execute", on_statement)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "begin", on_begin)
        sa.event.remove(engine, "before_cursor_execute", on_statement)


def test_every_transaction_about_a_run_begins_with_its_guard(bench: Bench) -> None:
    """Red where, say, the epochs are stored before the guard, which on PostgreSQL another attempt could interleave."""
    lost = bench.submit(epochs=3, checkpoints={"keep": "all"})
    bench.work()
    bench.lose(lost, after=1)
    bench.submit(epochs=3, checkpoints={"keep": "all"})
    wrong = bench.submit(epochs=1, device="mps")
    with transactions(bench) as seen:
        bench.work()
    assert bench.get(wrong).error is not None
    writing = [each for each in seen if any(f" {table} " in text for text in each for table in OF_RUNS)]
    guarded = [each for each in writing if not each[0].startswith("WITH chosen")]
    assert len(writing) - len(guarded) == 3, "claims"
    assert len(guarded) > 5
    for first, *_ in guarded:
        assert first.startswith("UPDATE experiments SET")
        condition = first.partition(" WHERE ")[2]
        for part in ("experiments.id = ?", "experiments.attempt = ?", "experiments.state = ?"):
            assert part in condition
