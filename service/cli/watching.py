"""`ardoise watch`: one experiment, live, to its end."""

import typer

from service.cli.options import DEFAULT_URL, AsJson, ExperimentId, Url, connected, console
from service.cli.progress import Bars, figures, number
from service.client import Client
from service.connection import ClientError
from service.domain.experiment import Experiment, State


def watch(experiment_id: ExperimentId, as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Show how an experiment learns until it ends; exit status 1 where it fails or is cancelled.

    With --json, a line of JSON an epoch and the experiment at last.
    """
    with connected(url) as client:
        follow(client, experiment_id, as_json=as_json)


def follow(client: Client, experiment_id: str, *, as_json: bool = False) -> None:
    """Show it to its end on standard output; ClientError where that is not `completed`."""
    if as_json:
        experiment = _print_lines_of_json(client, experiment_id)
    elif console().is_terminal:
        experiment = _show_a_bar(client, experiment_id)
    else:
        experiment = _print_lines(client, experiment_id)
    if experiment.state is State.COMPLETED:
        return
    why = "" if experiment.error is None else f": {experiment.error.type}: {experiment.error.message}"
    raise ClientError(f"{experiment.name} {outcome(experiment)}{why}")


def outcome(experiment: Experiment) -> str:
    """How it ended, in some words."""
    if experiment.state is not State.COMPLETED:
        return {State.FAILED: "failed", State.CANCELLED: "was cancelled"}.get(experiment.state, experiment.state)
    parts = ["completed, its loss diverged" if experiment.diverged else "completed"]
    if experiment.best is not None:
        parts.append(f"best epoch {experiment.best.epoch} (validation {number(experiment.best.val_accuracy)})")
    if experiment.test is not None:
        parts.append(f"test accuracy {number(experiment.test.accuracy)}")
    return ", ".join(parts)


def _show_a_bar(client: Client, experiment_id: str) -> Experiment:
    stream = client.watch(experiment_id)
    experiment = None
    with Bars(console()) as bars:
        for news in stream:
            if isinstance(news, Experiment):
                experiment = news
                bars.show(experiment)
            elif experiment is not None:
                bars.show(experiment, news)
    return _ended(experiment)


def _print_lines(client: Client, experiment_id: str) -> Experiment:
    experiment = None
    for news in client.watch(experiment_id):
        if not isinstance(news, Experiment):
            speed = f"{news.samples_per_second:,.0f} images/s"
            typer.echo(f"epoch {news.epoch}  {figures(news)}  {speed}")
        else:
            experiment = news
            if not experiment.state.ended:
                typer.echo(f"{experiment.name} is {experiment.state}")
    experiment = _ended(experiment)
    typer.echo(f"{experiment.name} {outcome(experiment)}")
    return experiment


def _print_lines_of_json(client: Client, experiment_id: str) -> Experiment:
    experiment = None
    for news in client.watch(experiment_id):
        if isinstance(news, Experiment):
            experiment = news
        else:
            typer.echo(news.model_dump_json())
    experiment = _ended(experiment)
    typer.echo(experiment.model_dump_json())
    return experiment


def _ended(experiment: Experiment | None) -> Experiment:
    if experiment is None:
        raise AssertionError("a watch begins and ends with the experiment")
    return experiment
