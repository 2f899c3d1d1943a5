"""Commands about what there is to say of an experiment: by rules, and by people."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.options import DEFAULT_URL, AsJson, ExperimentId, Url, connected, usage_error


def findings(
    experiment_id: ExperimentId,
    lang: Annotated[Literal["en", "fr"], typer.Option(help="In English or in French.")] = "en",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Comment on the learning curves of an experiment: overfitting, a plateau, a learning rate too high, and so on."""
    with connected(url) as client:
        found = client.findings(experiment_id)
    if as_json:
        typer.echo(found.model_dump_json())
        return
    for each in found.items:
        first, last = each.epochs
        epochs = f"epoch {last}" if first == last else f"epochs {first} to {last}"
        text = each.text.fr if lang == "fr" else each.text.en
        typer.echo(f"{each.severity}: {each.kind}, {epochs}\n    {text}")


def note(
    *,
    experiment_id: ExperimentId,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What there is to say.")],
    image: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A picture of at most 48 KB that is kept with it.")
    ] = None,
    label: Annotated[int | None, typer.Option(min=0, help="Which digit the picture shows.")] = None,
    owner: Annotated[str | None, typer.Option(envvar="ARDOISE_OWNER", help="Whose note it is.")] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a note about an experiment, which is kept with it, and print the note's id."""
    try:
        text.encode()
    except UnicodeEncodeError:
        usage_error("TEXT is not UTF-8")
    if (image is None) != (label is None):
        usage_error("--image and --label go together: a picture, and which digit it shows")
    with connected(url, owner=owner) as client:
        added = client.note(experiment_id, text, example=None if image is None or label is None else (image, label))
    typer.echo(added.model_dump_json() if as_json else added.id)
