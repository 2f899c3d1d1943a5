"""`ardoise submit`: a spec as a file, as JSON on the command line, or as options, and any mixture of them."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli import watching
from service.cli.options import DEFAULT_URL, AsJson, Url, connected, usage_error
from service.domain.optimizers import Sgd

LAYERS_HELP = "numbers divided by commas"


def submit(
    *,
    spec: Annotated[str | None, typer.Argument(help="A file of JSON, JSON itself, or - for standard input.")] = None,
    preset: Annotated[str | None, typer.Option(help="A ready spec below all else: see `ardoise presets`.")] = None,
    dataset: Annotated[str | None, typer.Option(help="digits, mnist, usps, ...")] = None,
    architecture: Annotated[str | None, typer.Option(help="perceptron, mlp, cnn, lenet5, ...")] = None,
    activation: Annotated[str | None, typer.Option(help="identity, sigmoid, tanh, relu, ...")] = None,
    epochs: Annotated[int | None, typer.Option(help="Times that the training images are seen.")] = None,
    hidden: Annotated[str | None, typer.Option(help=f"Units of the hidden layers: {LAYERS_HELP}.")] = None,
    channels: Annotated[str | None, typer.Option(help=f"Channels of the convolutions: {LAYERS_HELP}.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Probability that a unit is silenced.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="sgd, adam, ...")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the optimizer.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images between two updates.")] = None,
    train_size: Annotated[int | None, typer.Option(help="Learn from so many images only.")] = None,
    validation_fraction: Annotated[float | None, typer.Option(help="Part of the training images held back.")] = None,
    augmentation: Annotated[str | None, typer.Option(help="Of the training images: shift,elastic or so.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    name: Annotated[str | None, typer.Option(help="What it is called in lists and pictures.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by; may be repeated.")] = None,
    priority: Annotated[int | None, typer.Option(help="Higher is earlier.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Makes a repeat of this command safe.")] = None,
    owner: Annotated[str | None, typer.Option(envvar="ARDOISE_OWNER", help="Whose it is: owners take turns.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay and show how it learns.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Enqueue an experiment and print its id.

    Options come on top of the spec or the preset: ardoise submit spec.json --seed 1, ardoise submit --preset lab-relu
    --hidden 512. What is left out has the service's defaults.
    """
    body = {} if spec is None else read_json(spec, what="SPEC")
    top = {
        "preset": preset, "activation": activation, "epochs": epochs, "batch_size": batch_size, "seed": seed,
        "name": name, "tags": tag or None, "priority": priority,
    }  # fmt: skip
    body |= _given(top)
    images = {"train_size": train_size, "validation_fraction": validation_fraction}
    _override(body, "dataset", {"name": dataset, **images, "augmentation": augmentation and augmentation.split(",")})
    units = {"hidden": _numbers("--hidden", hidden), "channels": _numbers("--channels", channels)}
    _override(body, "architecture", {"name": architecture, **units, "dropout": dropout})
    usual = None if "preset" in body else Sgd().name
    _override(body, "optimizer", {"name": optimizer, "learning_rate": learning_rate}, default=usual)
    with connected(url, owner=owner) as client:
        experiment = client.submit(body, idempotency_key=idempotency_key)
        typer.echo(experiment.model_dump_json() if as_json else experiment.id)
        if watch:
            watching.follow(client, experiment.id, as_json=as_json)


def read_json(argument: str, *, what: str) -> dict[str, Any]:
    """The object that the argument is, or that a file or standard input holds; a usage error where it is none."""
    if argument.lstrip().startswith("{"):
        text, source = argument, what
    elif argument == "-":
        text, source = sys.stdin.read(), "standard input"
    else:
        source = argument
        try:
            text = Path(argument).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            usage_error(f"{argument} cannot be read: {getattr(error, 'strerror', None) or error}")
    try:
        body = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        usage_error(f"{source} is not JSON: {error}")
    if not isinstance(body, dict):
        usage_error(f"{source} must hold a JSON object")
    return body


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _override(body: dict[str, Any], field: str, options: dict[str, Any], *, default: str | None = None) -> None:
    """The options into the object, or the name, that the spec has in this field."""
    if not (given := _given(options)):
        return
    before = body.get(field, default)
    old = before if isinstance(before, dict) else {"name": before} if before is not None else {}
    another = "name" in given and given["name"] != old.get("name")
    if another and field != "dataset":  # its options are its own; those of a data set are the same for all
        old = {}
    body[field] = old | given


def _numbers(option: str, text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        usage_error(f"{option} must be whole numbers divided by commas, such as 256,128; not {text!r}")
