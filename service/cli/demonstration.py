"""`ardoise demo`: the lab's first comparison, from nothing to predictions, through HTTP alone."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli import slate
from service.cli.asking import write
from service.cli.options import console
from service.cli.progress import Bars, number
from service.cli.watching import outcome
from service.client import Client
from service.connection import ClientError
from service.domain.experiment import Experiment, State

TAG = "demo"
DATASET = "digits"
RUN_SECONDS = 600.0
STOP_SECONDS = 25.0
"""More than the service gives its requests and its workers."""
TICK_SECONDS = 0.2
SHOWN_DIGITS = 8


def comparison(*, epochs: int) -> list[dict[str, Any]]:
    """What is compared: no hidden layer, hidden layers without and with a nonlinearity, convolutions."""
    mlp = {"name": "mlp", "hidden": [64, 32]}
    networks: tuple[tuple[str, Any, str], ...] = (
        ("perceptron", "perceptron", "identity"),
        *((f"mlp {activation}", mlp, activation) for activation in ("identity", "tanh", "sigmoid", "relu")),
        ("cnn relu", {"name": "cnn", "channels": [16, 32], "hidden": [64]}, "relu"),
    )
    shared = {
        "dataset": {"name": DATASET, "validation_fraction": 0.2},
        "optimizer": {"name": "adam", "learning_rate": 0.002},
        "batch_size": 32,
        "epochs": epochs,
        "tags": [TAG],
    }
    return [
        {"name": name, "architecture": architecture, "activation": activation, **shared}
        for name, architecture, activation in networks
    ]


def run(*, epochs: int, workers: str, output: Path, once: bool, keep: bool) -> None:
    """All of it; ClientError says what went wrong. The service and its folder are gone when this returns."""
    screen = console()
    if output.is_dir() or not os.access(output.resolve().parent, os.W_OK):  # better known now than at the end
        raise ClientError(f"{output} cannot be written")
    if workers == "0":
        raise ClientError("a demo needs a worker")
    home = Path(tempfile.mkdtemp(prefix="ardoise-demo-"))
    try:
        with _sigterm_as_exit(), _service(home, workers=workers) as url, Client(url) as client:
            screen.print(f"Ardoise serves at {url}; six networks learn to read handwritten digits ({DATASET}).")
            finished = _train(client, screen, epochs=epochs)
            screen.print(_table(finished))
            _draw(client, finished, output)
            screen.print(f"The learning curves of all six: {output.resolve()}")
            _read_digits(client, finished, screen, home=home)
            if screen.is_terminal and not once:
                _go_on_serving(url, screen)
    finally:
        if keep:
            screen.print(f"The folder of the service is kept: {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """On the way out the service is ended and its folder removed."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _service(home: Path, *, workers: str) -> Iterator[str]:
    """`ardoise serve` as a process that ends with this one; its URL."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ARDOISE_")}
    environment = others | {"ARDOISE_HOME": str(home), "ARDOISE_LOG_LEVEL": "warning", "PYTHONSAFEPATH": "1"}
    options = ("--port", "0", "--workers", workers, "--until-stdin-closes")
    command = [sys.executable, "-m", "service.cli", "serve", *options]
    with subprocess.Popen(  # noqa: S603  # our own interpreter and module
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            first_line = "" if process.stdout is None else process.stdout.readline()
            found = re.search(r"http://\S+", first_line)
            if found is None:
                raise ClientError("the service did not start; the lines above say why")
            yield found.group()
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _train(client: Client, screen: Console, *, epochs: int) -> list[Experiment]:
    """Submit all, show them learn, and give them back as they ended; the first that failed is an error."""
    ids = [client.submit(spec).id for spec in comparison(epochs=epochs)]
    deadline = time.monotonic() + RUN_SECONDS
    bars = Bars(screen) if screen.is_terminal else None
    said: set[str] = set()
    with bars or nullcontext():
        while True:
            found = {experiment.id: experiment for experiment in client.iterate(tag=TAG)}
            experiments = [found[each] for each in ids]
            for experiment in experiments:
                if bars is not None:
                    bars.show(experiment)
                elif experiment.state.ended and experiment.id not in said:
                    said.add(experiment.id)
                    loss = number(experiment.last.train_loss if experiment.last else None)
                    typer.echo(f"{experiment.name}: {outcome(experiment)}, training loss {loss}")
            if all(experiment.state.ended for experiment in experiments):
                break
            if time.monotonic() > deadline:
                raise ClientError(f"the runs have not ended after {RUN_SECONDS:.0f} seconds")
            time.sleep(TICK_SECONDS)
    for experiment in experiments:
        if experiment.state is not State.COMPLETED:
            why = f": {experiment.error.type}: {experiment.error.message}" if experiment.error else ""
            raise ClientError(f"{experiment.name} {outcome(experiment)}{why}")
    return experiments


def _table(experiments: list[Experiment]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("network", no_wrap=True)
    for title in ("parameters", "best epoch", "validation", "test", "seconds"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in experiments:
        table.add_row(
            Text(each.name),
            f"{each.parameters:,}",
            str(each.best.epoch) if each.best else "–",
            number(each.best.val_accuracy if each.best else None),
            number(each.test.accuracy if each.test else None),
            f"{seconds(each):.1f}",
        )
    return table


def seconds(experiment: Experiment) -> float:
    """From its start to its end."""
    if experiment.started_at is None or experiment.finished_at is None:
        return 0.0
    return (experiment.finished_at - experiment.started_at).total_seconds()


def _draw(client: Client, experiments: list[Experiment], output: Path) -> None:
    from service.analysis import charts

    curves = {each.name: client.curves(each.id) for each in experiments}
    title = f"Ardoise: {len(curves)} networks on {DATASET}"
    write(output, charts.draw(curves, title=title, format="svg" if output.suffix.lower() == ".svg" else "png"))


def _read_digits(client: Client, experiments: list[Experiment], screen: Console, *, home: Path) -> None:
    """The network that was best on validation reads some images of the test split, sent as PNG files."""
    from service import datasets

    best = max(experiments, key=lambda each: (each.best and each.best.val_accuracy) or 0.0)
    test = datasets.load(DATASET, data_dir=home).test
    chosen = range(0, len(test), len(test) // SHOWN_DIGITS)[:SHOWN_DIGITS]
    images: list[list[list[int]]] = [test.images[at].tolist() for at in chosen]
    labels: list[int] = [int(test.labels[at]) for at in chosen]
    answer = client.predict(best.id, [slate.png(image) for image in images])
    right = sum(each.digit == label for each, label in zip(answer.predictions, labels, strict=True))
    screen.print(f"{best.name} reads {len(images)} digits that no network has learnt from, {right} of them right:")
    captions = [
        f"{each.digit}  {100 * (each.confidence or 0):.0f} %" + ("" if each.digit == label else f"  (it is {label})")
        for each, label in zip(answer.predictions, labels, strict=True)
    ]
    screen.print(slate.in_rows(images, captions, width=min(screen.width, 80)))


def _go_on_serving(url: str, screen: Console) -> None:
    screen.print(f"Ardoise goes on serving at {url} (try {url}/docs, or `ardoise list --url {url}`); Ctrl-C ends it.")
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        screen.print("ended")
