"""`ardoise sweep`: many experiments at once, from a file of JSON or from JSON on the command line."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from service.cli.options import DEFAULT_URL, AsJson, Url, connected
from service.cli.submitting import read_json
from service.cli.watching import outcome
from service.client import Client
from service.connection import ClientError
from service.domain.experiment import Experiment, State
from service.domain.sweep import SweepAccepted


def sweep(
    *,
    request: Annotated[
        str, typer.Argument(metavar="SWEEP", help="A file of JSON, JSON itself, or - for standard input.")
    ],
    idempotency_key: Annotated[str | None, typer.Option(help="Makes a repeat of this command safe.")] = None,
    owner: Annotated[str | None, typer.Option(envvar="ARDOISE_OWNER", help="Whose it is: owners take turns.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay and say how each one ends.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Enqueue a base with every combination of a grid's values, random samples and seeds, and print the sweep's id.

    For example: ardoise sweep '{"base": {"preset": "lab-relu"}, "grid": {"architecture.hidden": [[64], [128, 64]]},
    "random": {"optimizer.learning_rate": {"low": 0.001, "high": 0.1, "scale": "log"}}, "samples": 10, "seeds": [0, 1]}'
    """
    body = read_json(request, what="SWEEP")
    with connected(url, owner=owner) as client:
        accepted = client.sweep(body, idempotency_key=idempotency_key)
        typer.echo(accepted.model_dump_json() if as_json else accepted.id)
        if watch:
            _follow(client, accepted, [*body.get("grid", {}), *body.get("random", {})], as_json=as_json)


def _follow(client: Client, accepted: SweepAccepted, varied: Iterable[str], *, as_json: bool) -> None:
    """Say how each ends, in their order; ClientError where one did not complete."""
    completed = 0
    for experiment_id in accepted.experiment_ids:
        *_, last = client.watch(experiment_id)
        if isinstance(last, Experiment):
            completed += last.state is State.COMPLETED
            typer.echo(last.model_dump_json() if as_json else f"{last.id} {_label(last, varied)} {outcome(last)}")
    if completed < accepted.count:
        raise ClientError(f"{accepted.count - completed} of {accepted.count} experiments did not complete")


def _label(experiment: Experiment, varied: Iterable[str]) -> str:
    """What it has that others of its sweep may not have."""
    spec = experiment.spec.model_dump(mode="json")
    return " ".join(f"{path}={_shown(spec, path)}" for path in dict.fromkeys([*varied, "seed"]))


def _shown(spec: Mapping[str, Any], path: str) -> str:
    field, _, inner = path.partition(".")
    value = spec.get("name" if field == "preset" else field)
    if isinstance(value, dict):
        value = value.get(inner or "name")
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
