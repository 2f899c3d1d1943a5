"""`ardoise compare`: runs, or groups of them over seeds, in a table, and which are better than which."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from service.cli.options import DEFAULT_URL, AsJson, Url, connected, console, usage_error
from service.cli.progress import LOOK, number
from service.domain.comparison import ComparedRun, Comparison, Estimate, RunGroup


class Language(StrEnum):
    """Of the verdicts."""

    EN = "en"
    FR = "fr"


def compare(
    *,
    experiment_ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Their ids.")] = None,
    sweep: Annotated[str | None, typer.Option(metavar="ID", help="All of this sweep.")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="ID", help="Hold all others against this one.")] = None,
    language: Annotated[Language, typer.Option("--lang", help="Of the verdicts.")] = Language.EN,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Hold experiments against each other: what they differ in, how each went, and which are better.

    Those that differ in their seed alone are taken together.
    """
    if bool(experiment_ids) == (sweep is not None):
        usage_error("say which: either ID... or --sweep ID")
    with connected(url) as client:
        found = client.compare(experiment_ids or (), sweep_id=sweep, baseline=baseline, series=as_json)
    if as_json:
        typer.echo(found.model_dump_json())
        return
    over_seeds = any(len(group.experiment_ids) > 1 for group in found.groups)
    console().print(_groups(found.groups) if over_seeds else _runs(found.rows))
    for sentence in sentences(found, language):
        typer.echo(f"\n{sentence}")


def sentences(found: Comparison, language: Language) -> Iterable[str]:
    """The verdicts between groups or, where there is none, between runs; then what was not compared."""
    verdicts = found.verdicts.groups or found.verdicts.runs
    for text in (*(verdict.text for verdict in verdicts), *found.remarks):
        yield text.fr if language is Language.FR else text.en


def _runs(rows: Iterable[ComparedRun]) -> Table:
    table = _table("epoch", "val", "test", "loss", "parameters", "seconds")
    for each in rows:
        table.add_row(
            Text(each.label),
            Text(each.state, style=LOOK.get(each.state, "")),
            "–" if each.best is None else str(each.best.epoch),
            number(None if each.best is None else each.best.val_accuracy),
            number(None if each.test is None else each.test.accuracy),
            number(None if each.test is None else each.test.loss),
            f"{each.parameters:,}",
            "–" if each.seconds is None else f"{each.seconds:.1f}",
        )
    return table


def _groups(groups: Iterable[RunGroup]) -> Table:
    table = _table("val", "test", "95 % interval", "loss", "parameters")
    for each in groups:
        test = each.test.accuracy
        interval = "–" if test is None or test.interval is None else " .. ".join(map(number, test.interval))
        table.add_row(
            Text(each.label),
            f"{len(each.seeds)} of {len(each.experiment_ids)} runs",
            _mean(each.best.accuracy),
            _mean(test),
            interval,
            _mean(each.test.loss),
            f"{each.parameters:,}",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("what", no_wrap=True)
    table.add_column("", no_wrap=True)
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _mean(found: Estimate | None) -> str:
    if found is None or found.standard_deviation is None:
        return number(None if found is None else found.mean)
    return f"{number(found.mean)} ± {number(found.standard_deviation)}"
