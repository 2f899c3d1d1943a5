"""`ardoise predict`: which digits are on these pictures."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.analysis import prediction_table
from service.cli.options import DEFAULT_URL, AsJson, Url, connected, console, usage_error
from service.cli.pictures import Ask, Reader, Unread, by_experiment, by_model, expanded
from service.client import Client
from service.connection import ClientError
from service.domain.experiment import Experiment, State
from service.domain.prediction import Prediction
from service.domain.prediction_line import line

Write = Callable[[str], object]


class Form(StrEnum):
    """How predictions are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def predict(
    *,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Picture files, folders or patterns.")],
    experiment: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose network answers; default: the newest completed one's.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME[@VERSION]", help="A named model answers: its champion, or a version or an alias."),
    ] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Of an experiment: best, last or the number of an epoch; default: best.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How predictions are written.")] = Form.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="File to write; default: standard output.")
    ] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Say which digit is on each picture, however many there are.

    What cannot be read is named at the end, with exit status 1; everything else is read all the same.
    """
    if model is not None and (experiment is not None or checkpoint is not None):
        usage_error("--model names its weights itself: without --experiment and --checkpoint")
    paths = [*expanded(images)]
    if not any(path.exists() for path in paths):
        usage_error(f"there is no such picture: {', '.join(map(str, images[:5]))}")
    unread: list[Unread] = []
    with connected(url) as client:
        reader = Reader(_asking(client, experiment, model, checkpoint=checkpoint or "best"))
        with _written_to(output) as write:
            _write(_read(reader, paths, unread), Form.JSON if as_json else form, reader, write)
    for each in unread:
        typer.echo(f"{each.path}: {each.reason}", err=True)
    if unread:
        raise ClientError(f"{len(unread):,} of {len(paths):,} pictures could not be read")


def _asking(client: Client, experiment: str | None, model: str | None, *, checkpoint: str) -> Ask:
    if model is not None:
        return by_model(client, model)
    return by_experiment(client, experiment or _newest_completed(client).id, checkpoint=checkpoint)


def in_words(prediction: Prediction) -> str:
    """Such as `7  (99.8 %)`, with what may make it wrong."""
    sure = "no finite confidence" if prediction.confidence is None else f"{100 * prediction.confidence:.1f} %"
    return "; ".join((f"{prediction.digit}  ({sure})", *prediction.preprocessing.warnings))


def _read(reader: Reader, paths: list[Path], unread: list[Unread]) -> Iterator[tuple[int, Prediction]]:
    """What is read, with its place among the pictures, beside a bar where somebody looks; the rest goes to `unread`."""
    with _bar() as bar:
        task = bar.add_task("pictures", total=len(paths))
        for place, (_, found) in enumerate(reader.read(paths)):
            bar.advance(task)
            if isinstance(found, Unread):
                unread.append(found)
            else:
                yield place, found


def _bar() -> Progress:
    """On the terminal that the predictions go to, so that these are written above it; else on standard error."""
    lines_go_there = sys.stdout.isatty()
    screen = console(stderr=not lines_go_there)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
        redirect_stdout=lines_go_there,
        redirect_stderr=False,
    )


def _write(found: Iterable[tuple[int, Prediction]], form: Form, reader: Reader, write: Write) -> None:
    match form:
        case Form.TABLE:
            for _, prediction in found:
                write(f"{prediction.name}: {in_words(prediction)}\n")
        case Form.CSV:
            for number, (place, prediction) in enumerate(found):
                if number == 0:
                    write(prediction_table.header(classes=len(prediction.probabilities)))
                write(prediction_table.rows([line(place, prediction, name=prediction.name)]))
        case Form.JSON:
            predictions = tuple(prediction for _, prediction in found)
            if reader.first is not None:
                write(reader.first.model_copy(update={"predictions": predictions}).model_dump_json() + "\n")


@contextmanager
def _written_to(output: Path | None) -> Iterator[Write]:
    if output is None:
        # Looked up anew at each line, and not by typer's echo: while there is a bar, it puts the lines above itself.
        yield lambda text: sys.stdout.write(text)  # noqa: PLW0108  # the bar's stream is not yet there when this begins
        return
    try:
        file = output.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ClientError(f"{output} cannot be written: {error.strerror}") from error
    with file:
        yield file.write


def _newest_completed(client: Client) -> Experiment:
    for found in client.iterate(state=State.COMPLETED, limit=1):
        typer.echo(f"by {found.name} ({found.id}), the newest completed experiment", err=True)
        return found
    raise ClientError("no experiment is completed yet: name one with --experiment, or submit one and wait for its end")
