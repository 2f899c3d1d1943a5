"""`ardoise predict`: which digits are on these pictures."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import DEFAULT_URL, AsJson, Url, connected
from service.client import Client
from service.connection import ClientError
from service.domain.experiment import Experiment, State
from service.domain.prediction import Prediction


def predict(
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", exists=True, dir_okay=False, readable=True, help="Picture files."),
    ],
    experiment: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose network answers; default: the newest completed one's.")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="best, last or the number of an epoch.")] = "best",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Say which digit is on each picture."""
    with connected(url) as client:
        chosen = experiment or _newest_completed(client).id
        answer = client.predict(chosen, images, checkpoint=checkpoint)
    if as_json:
        typer.echo(answer.model_dump_json())
        return
    for path, prediction in zip(images, answer.predictions, strict=True):
        typer.echo(f"{path}: {in_words(prediction)}")


def in_words(prediction: Prediction) -> str:
    """Such as `7  (99.8 %)`, with what may make it wrong."""
    sure = "no finite confidence" if prediction.confidence is None else f"{100 * prediction.confidence:.1f} %"
    return "; ".join((f"{prediction.digit}  ({sure})", *prediction.preprocessing.warnings))


def _newest_completed(client: Client) -> Experiment:
    for found in client.iterate(state=State.COMPLETED, limit=1):
        typer.echo(f"by {found.name} ({found.id}), the newest completed experiment", err=True)
        return found
    raise ClientError("no experiment is completed yet: name one with --experiment, or submit one and wait for its end")
