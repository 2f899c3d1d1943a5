"""`ardoise evaluate` and `ardoise evaluations`: networks on other data sets than those that they learnt from."""

from typing import Annotated

import typer
from rich.table import Table

from service.cli.options import DEFAULT_URL, AsJson, ExperimentId, Url, connected, console
from service.cli.progress import number
from service.connection import ClientError
from service.domain.evaluation import Cell, Evaluation, Reframing
from service.domain.experiment import State


def evaluate(
    *,
    experiment_id: ExperimentId,
    dataset: Annotated[str, typer.Option(help="Whose test images; its classes must be the network's.")],
    checkpoint: Annotated[str, typer.Option(help="best, last or the number of an epoch.")] = "best",
    framing: Annotated[
        Reframing, typer.Option(help="recorded: place the ink as in the images learnt from; none: resize only.")
    ] = Reframing.RECORDED,
    owner: Annotated[str | None, typer.Option(envvar="ARDOISE_OWNER", help="Whose it is: owners take turns.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay and say what comes of it.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Have a network evaluated on another data set's test split; print the evaluation's id, or with --wait its end."""
    with connected(url, owner=owner) as client:
        evaluation = client.evaluate(experiment_id, dataset, checkpoint=checkpoint, framing=framing.value)
        if wait:
            evaluation = client.evaluated(evaluation)
    if as_json:
        typer.echo(evaluation.model_dump_json())
    elif not wait:
        typer.echo(evaluation.id)
    if wait and evaluation.state is not State.COMPLETED:
        why = "" if evaluation.error is None else f": {evaluation.error.type}: {evaluation.error.message}"
        raise ClientError(f"evaluation {evaluation.id} {evaluation.state}{why}")
    if wait and not as_json:
        typer.echo(_in_words(evaluation))


def evaluations(
    experiment_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Their ids.")],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show experiments against the data sets that they were evaluated on, their own test splits included."""
    with connected(url) as client:
        found = client.evaluation_table(experiment_ids)
    if as_json:
        typer.echo(found.model_dump_json())
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "trained on"):
        table.add_column(title, no_wrap=True)
    for dataset in found.datasets:
        table.add_column(dataset, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(row.name, row.trained_on, *map(_shown, row.cells))
    console().print(table)


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    return number(cell.accuracy) if cell.accuracy is not None else cell.state


def _in_words(evaluation: Evaluation) -> str:
    """Such as `usps: accuracy 0.9352, loss 0.2310, epoch 3; 2,006 of 2,007 images framed anew`."""
    done = evaluation.preprocessing
    how = "" if done is None else f"; {done.framed_anew:,} of {done.images:,} images framed anew"
    figures = f"accuracy {number(evaluation.accuracy)}, loss {number(evaluation.loss)}"
    return f"{evaluation.dataset}: {figures}, epoch {evaluation.checkpoint.epoch}{how}"
