"""`ardoise lab`: a whole lab sheet, from its runs to its report."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from service.cli.asking import write
from service.cli.options import DEFAULT_URL, AsJson, Url, connected, console, usage_error
from service.cli.progress import GroupBars
from service.cli.watching import outcome
from service.client import Client
from service.connection import ClientError, patiently
from service.domain.experiment import Experiment, State
from service.domain.lab import Language
from service.domain.lab_answers import LabAccepted

TICK_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
"""With a service that restarts while its runs are waited for."""
MARKS = {True: "met", False: "not met", None: "not known"}

commands = typer.Typer(name="lab", help="Lab sheets: run one, check constraints, report.", no_args_is_help=True)

Lab = Annotated[str, typer.Argument(metavar="LAB", help="The sheet's name.")]
Lang = Annotated[str, typer.Option(metavar="en|fr", help="Language of the report.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Where the report goes; default: LAB.html.")]


@commands.command("list")
def list_(as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List the lab sheets."""
    with connected(url) as client:
        found = client.labs()
    if as_json:
        typer.echo(found.model_dump_json())
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "runs", "questions", "constraints", "title"):
        table.add_column(title, justify="left" if title in {"name", "title"} else "right", no_wrap=True)
    for each in found.items:
        title = each.problem or ("" if each.title is None else each.title.en)
        table.add_row(each.name, str(each.runs), str(each.questions), str(each.constraints), title)
    console().print(table)


@commands.command()
def run(
    *,
    lab: Lab = "tp",
    offline: Annotated[bool, typer.Option("--offline", help="On bundled data sets alone: no download.")] = False,
    only: Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="Only this run; repeatable.")] = None,
    lang: Lang = "en",
    output: Output = None,
    owner: Annotated[str | None, typer.Option(envvar="ARDOISE_OWNER", help="Whose it is: owners take turns.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Submit all runs of a sheet, wait for them, and write the report; exit status 1 where a run did not complete."""
    language, target = _language(lang), _target(output, lab)
    with connected(url, owner=owner) as client:
        accepted = client.run_lab(lab, offline=offline, runs=only)
        typer.echo(f"{accepted.count} experiments of lab {lab}: sweep {accepted.sweep_id}")
        ended = _wait(client, accepted)
        _wait_for_evaluations(client, accepted)
        write(target, client.lab_report(lab, sweep_id=accepted.sweep_id, lang=language))
    typer.echo(target)
    failed = [each for each in ended if each.state is not State.COMPLETED]
    if failed:
        raise ClientError(f"{len(failed)} of {len(ended)} experiments did not complete: the report says which")


@commands.command()
def report(
    *,
    lab: Lab,
    experiment_ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Experiments.")] = None,
    sweep: Annotated[str | None, typer.Option(metavar="ID", help="All of this sweep.")] = None,
    lang: Lang = "en",
    output: Output = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write the report on experiments that are there already."""
    if bool(experiment_ids) == (sweep is not None):
        usage_error("say which: ID... or --sweep ID")
    language, target = _language(lang), _target(output, lab)
    with connected(url) as client:
        write(target, client.lab_report(lab, experiment_ids or (), sweep_id=sweep, lang=language))
    typer.echo(target)


@commands.command()
def check(
    *,
    lab: Lab,
    experiment_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Experiments.")],
    lang: Lang = "en",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Say which of a sheet's constraints experiments keep to; exit status 1 where one is not met."""
    language = _language(lang)
    with connected(url) as client:
        found = client.check_lab(lab, experiment_ids)
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        for each in found.items:
            typer.echo(f"{each.experiment_id} {each.name}: {MARKS[each.met]}")
            for constraint in each.constraints:
                typer.echo(f"  {constraint.text.fr if language == 'fr' else constraint.text.en}")
    unmet = sum(each.met is False for each in found.items)
    if unmet:
        raise ClientError(f"{unmet} of {len(found.items)} experiments do not keep to all constraints of lab {lab}")


def _language(given: str) -> Language:
    if given not in {"en", "fr"}:
        usage_error(f"--lang must be en or fr, not {given!r}")
    return "fr" if given == "fr" else "en"


def _target(output: Path | None, lab: str) -> Path:
    """Better known to be writable now than after all the runs."""
    target = output or Path(f"{lab}.html")
    if target.is_dir() or not target.resolve().parent.is_dir():
        raise ClientError(f"{target} cannot be written")
    return target


def _wait(client: Client, accepted: LabAccepted) -> Sequence[Experiment]:
    """Until all have ended, a bar for each run of the sheet; in words where the output is no terminal."""
    screen = console()
    bars = GroupBars(screen) if screen.is_terminal else None
    said: set[str] = set()
    with bars or nullcontext():
        while True:
            items = patiently(partial(client.get_sweep, accepted.sweep_id), patience=PATIENCE_SECONDS).items
            by_id = {each.id: each for each in items}
            for name, ids in accepted.runs.items():
                members = [by_id[each] for each in ids if each in by_id]
                if bars is not None:
                    bars.show(name, members)
                elif name not in said and all(each.state.ended for each in members):
                    said.add(name)
                    typer.echo(f"{name}: {_outcome(members)}")
            if all(each.state.ended for each in items):
                return items
            time.sleep(TICK_SECONDS)


def _outcome(members: Sequence[Experiment]) -> str:
    if len(members) == 1:
        return outcome(members[0])
    completed = sum(each.state is State.COMPLETED for each in members)
    return f"{completed} of {len(members)} completed"


def _wait_for_evaluations(client: Client, accepted: LabAccepted) -> None:
    """On other data sets: workers take them as soon as the runs have ended."""
    for name in accepted.evaluate_on:
        for each in accepted.runs[name]:
            for evaluation in client.evaluations(each).items:
                client.evaluated(evaluation)
