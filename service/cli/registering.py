"""`ardoise model ...`: the registry of named models."""

from typing import Annotated

import typer
from rich.table import Table

from service.cli.options import DEFAULT_URL, AsJson, ExperimentId, Url, connected, console
from service.cli.progress import number
from service.domain.registry import ModelVersion, RegisteredModel

commands = typer.Typer(help="Name trained networks, version by version.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The model's name.")]
Owner = Annotated[str | None, typer.Option(envvar="ARDOISE_OWNER", help="Who does so.")]
Which = Annotated[str, typer.Argument(metavar="ALIAS", help="The alias.")]


@commands.command()
def add(
    *,
    name: Name,
    experiment_id: ExperimentId,
    checkpoint: Annotated[str, typer.Option(help="best, last or the number of an epoch.")] = "best",
    description: Annotated[str | None, typer.Option(help="What there is to say of it.")] = None,
    alias: Annotated[str | None, typer.Option(help="An alias to point at it, too, such as champion.")] = None,
    owner: Owner = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Register an experiment's weights as the next version of a model, and print the version's number."""
    with connected(url, owner=owner) as client:
        added = client.add_version(name, experiment_id, checkpoint=checkpoint, description=description)
        if alias is not None:
            client.set_alias(name, alias, added.version)
    typer.echo(added.model_dump_json() if as_json else added.version)


@commands.command("list")
def list_(as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List the models, each with its newest version."""
    with connected(url) as client:
        found = client.models()
    if as_json:
        typer.echo(found.model_dump_json())
    elif found.items:
        rows = [(each.name, each.newest, each.aliases) for each in found.items]
        table = _table("model", "newest", "aliases", "trained on", "architecture", "test")
        for model, newest, pointing in rows:
            aliases = ", ".join(f"{alias} {version}" for alias, version in pointing.items()) or "-"
            table.add_row(model, *(("-", aliases, "-", "-", "-") if newest is None else _cells(newest, aliases)))
        console().print(table)
    else:
        typer.echo("no model")


@commands.command()
def show(name: Name, as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Show a model's versions, the newest first."""
    with connected(url) as client:
        model = client.model(name)
    typer.echo(model.model_dump_json(indent=2)) if as_json else console().print(_versions(model))


@commands.command()
def alias(
    *,
    name: Name,
    which: Which,
    version: Annotated[int | None, typer.Argument(metavar="[VERSION]", min=1, help="What it points at.")] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Back to what it pointed at before.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Remove it.")] = False,
    owner: Owner = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Let an alias point at a version, or at what it pointed at before, or remove it; `champion` answers by default."""
    if [version is not None, rollback, delete].count(True) != 1:
        raise typer.BadParameter("exactly one of VERSION, --rollback and --delete is needed")
    with connected(url, owner=owner) as client:
        if delete:
            client.delete_alias(name, which)
            return
        changed = client.roll_back(name, which) if version is None else client.set_alias(name, which, version)
    typer.echo(f"{changed.alias}: version {changed.version} of {changed.model}")


@commands.command()
def delete(
    name: Name,
    version: Annotated[int | None, typer.Argument(metavar="[VERSION]", min=1, help="This one alone.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Remove a version, or a model with all its versions; not while an alias points there."""
    with connected(url) as client:
        client.delete_model(name, version=version)


def _versions(model: RegisteredModel) -> Table:
    table = _table("version", "aliases", "trained on", "architecture", "test", "epoch", "experiment")
    for each in model.versions:
        cells = _cells(each, ", ".join(each.aliases) or "-")
        table.add_row(*cells, str(each.checkpoint.epoch), each.experiment_id)
    return table


def _cells(version: ModelVersion, aliases: str) -> tuple[str, ...]:
    built = f"{version.architecture.name} {version.activation}"
    return (str(version.version), aliases, version.dataset, built, number(version.test_accuracy))


def _table(*titles: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table
