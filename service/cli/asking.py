"""Commands that ask a running service about its experiments."""

import json
from pathlib import Path
from typing import Annotated, Literal, cast

import typer
from rich.table import Table
from rich.text import Text

from service.cli.options import DEFAULT_URL, AsJson, ExperimentId, Url, connected, console, usage_error
from service.cli.progress import LOOK, number
from service.cli.watching import outcome
from service.connection import ClientError
from service.domain.experiment import Experiment, State

SUFFIXES = ("png", "svg", "csv", "json")


def list_(
    *,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only those on this data set.")] = None,
    architecture: Annotated[str | None, typer.Option(help="Only those of this architecture.")] = None,
    activation: Annotated[str | None, typer.Option(help="Only those with this activation.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    sweep: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this sweep.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only those of this owner.")] = None,
    name: Annotated[str | None, typer.Option(help="Only those with this in their name.")] = None,
    sort: Annotated[
        str,
        typer.Option(help="created_at, best_val_accuracy, test_accuracy, parameters, name; - before it: downwards."),
    ] = "-created_at",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List experiments, the newest first."""
    with connected(url) as client:
        found = [
            *client.iterate(
                sort=sort, limit=limit, state=state, dataset=dataset, architecture=architecture, activation=activation,
                tag=tag, sweep_id=sweep, owner=owner, name=name,
            )
        ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps([experiment.model_dump(mode="json") for experiment in found]))
    elif found:
        console().print(_table(found))
    else:
        typer.echo("no experiment")


def show(experiment_id: ExperimentId, as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Show one experiment: what became of it, and its spec."""
    with connected(url) as client:
        experiment = client.get(experiment_id)
    typer.echo(experiment.model_dump_json(indent=2) if as_json else _sheet(experiment))


def cancel(
    experiment_ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Their ids.")] = None,
    sweep: Annotated[str | None, typer.Option(metavar="ID", help="All of this sweep that wait or run.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Cancel experiments that wait or run; what a running one has learnt is kept."""
    if not experiment_ids and sweep is None:
        usage_error("say which: ID... or --sweep ID")
    with connected(url) as client:
        if sweep is not None:
            states = client.cancel_sweep(sweep).states
            typer.echo(f"{sweep} has " + ", ".join(f"{count} {state}" for state, count in states.items() if count))
        for experiment_id in experiment_ids or ():
            experiment = client.cancel(experiment_id)
            how = "is cancelled" if experiment.state is State.CANCELLED else "ends with its present batch"
            typer.echo(f"{experiment.id} {how}")


def curves(
    experiment_id: ExperimentId,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write: .png, .svg, .csv or .json; default: ID.png.")
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Draw the learning curves of an experiment, or write them as a table."""
    output = output or Path(f"{experiment_id}.png")
    suffix = output.suffix.removeprefix(".").lower()
    if suffix not in SUFFIXES:
        usage_error(f"--output must end in .{', .'.join(SUFFIXES)}, not {output.name!r}")
    with connected(url) as client:
        if suffix == "json":
            content = client.curves(experiment_id).model_dump_json().encode()
        else:
            content = client.curves_file(experiment_id, cast("Literal['png', 'svg', 'csv']", suffix))
    write(output, content)
    typer.echo(output)


def presets(as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List the ready specs, each of which `ardoise submit --preset NAME` submits."""
    with connected(url) as client:
        found = client.presets()
    if as_json:
        typer.echo(found.model_dump_json())
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "network", "data set", "epochs", "what it is for"):
        table.add_column(title, justify="right" if title == "epochs" else "left", no_wrap=title != "what it is for")
    for each in found.items:
        spec = each.spec
        table.add_row(each.name, spec.architecture.name, spec.dataset.name, str(spec.epochs), each.description)
    console().print(table)


def write(path: Path, content: bytes) -> None:
    """Write a file that the user has named; ClientError says why it cannot be."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ClientError(f"{path} cannot be written: {error.strerror or error}") from error


def _table(experiments: list[Experiment]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=36)
    table.add_column("name", no_wrap=True, overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    for title in ("epoch", "best val", "test", "parameters"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in experiments:
        table.add_row(
            each.id,
            Text(each.name),
            Text(each.state, style=LOOK.get(each.state, "")),
            f"{each.progress.epoch}/{each.progress.epochs}",
            number(None if each.best is None else each.best.val_accuracy),
            number(None if each.test is None else each.test.accuracy),
            f"{each.parameters:,}",
        )
    return table


def _sheet(experiment: Experiment) -> str:
    progress = experiment.progress
    facts = {
        "id": experiment.id,
        "name": experiment.name,
        "state": outcome(experiment) if experiment.state.ended else experiment.state,
        "in the queue": experiment.queue_position,
        "held up": experiment.held_up,
        "why": experiment.error and f"{experiment.error.type}: {experiment.error.message}",
        "owner": experiment.owner,
        "created": _time(experiment.created_at.isoformat()),
        "started": experiment.started_at and _time(experiment.started_at.isoformat()),
        "finished": experiment.finished_at and _time(experiment.finished_at.isoformat()),
        "epochs": f"{progress.epoch} of {progress.epochs}",
        "parameters": f"{experiment.parameters:,}",
        "worker": experiment.worker and f"{experiment.worker}, attempt {experiment.attempt}",
        "spec": json.dumps(experiment.spec.model_dump(mode="json"), ensure_ascii=False),
    }
    return "\n".join(f"{name:13}{value}" for name, value in facts.items() if value is not None)


def _time(moment: str) -> str:
    return moment[:19].replace("T", " ") + " UTC"
