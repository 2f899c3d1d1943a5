"""What was found, for reading."""

from rich.table import Table

from tests.benchmarks.serving import GOAL_MEMORY_MB, GOAL_P99_MS, GOALS, GOALS_P50_MS, Cell, Load
from tests.benchmarks.serving.rounds import Found, Row

MOST = 64
"""Connections that the goals are given for."""


def of(found: Found) -> list[Table]:
    """The cells, then the ceilings and the memory."""
    return [_cells(found), _rest(found)]


def _cells(found: Found) -> Table:
    table = Table("network", "body", "at once", title="requests a second; milliseconds at the median / 99th percentile")
    for name in ("ours", "ms", "naive", "ms", "times", "goal", "of model", "of empty", "training", "ms", "errors"):
        table.add_column(name, justify="right")
    for row in found.rows:
        cell, rate = row.cell, row.ours.requests_per_second
        table.add_row(
            cell.network,
            cell.body,
            str(cell.connections),
            *_told(row.ours),
            *_told(row.naive),
            f"{rate / row.naive.requests_per_second:.1f}",
            _goal(row),
            f"{rate / found.alone[cell.network].at_best:.0%}",
            f"{rate / found.empty[cell.connections].requests_per_second:.0%}",
            *(("", "") if row.beside is None else _told(row.beside)),
            str(row.ours.errors + (row.beside.errors if row.beside else 0)),
        )
    return table


def _told(load: Load) -> tuple[str, str]:
    return f"{load.requests_per_second:,.0f}", f"{load.p50_ms:.2f} / {load.p99_ms:.1f}"


def _goal(row: Row) -> str:
    """What it should be, and a mark where it is not."""
    cell, missed = row.cell, not _is_met(row)
    words = {
        1: f"p50 < {GOALS_P50_MS[cell.network]:g}",
        MOST: f"{GOALS[cell.network, cell.body]:,.0f}, p99 < {GOAL_P99_MS}",
    }
    return words.get(cell.connections, "") + (" !" if missed else "")


def _is_met(row: Row) -> bool:
    cell: Cell = row.cell
    if cell.connections == 1:
        return row.ours.p50_ms < GOALS_P50_MS[cell.network]
    if cell.connections != MOST:
        return True
    goal = GOALS[cell.network, cell.body]
    alone = row.ours.requests_per_second >= goal and row.ours.p99_ms < GOAL_P99_MS
    return alone and (row.beside is None or row.beside.requests_per_second >= goal / 2)


def _rest(found: Found) -> Table:
    table = Table("beside it", "value", title="ceilings and memory")
    for network, alone in found.alone.items():
        said = f"{alone.singly:,.0f} images/s one at a time, {alone.at_best:,.0f} in batches"
        table.add_row(f"{network} alone, on one core", said)
    for connections, load in found.empty.items():
        rate, milliseconds = _told(load)
        table.add_row(f"an empty FastAPI route, {connections} at once", f"{rate} requests/s, {milliseconds} ms")
    for rss, pss in found.memory_mb:
        table.add_row(f"an API process; goal: < {GOAL_MEMORY_MB} MB", f"{rss:.0f} MB, {pss:.0f} MB of it its own share")
    return table
