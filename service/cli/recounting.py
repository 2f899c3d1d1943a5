"""What has happened to an experiment, told line by line."""

import typer

from service.cli.options import DEFAULT_URL, AsJson, ExperimentId, Url, connected
from service.domain.history import Event


def history(experiment_id: ExperimentId, as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Tell what has happened to an experiment: when it waited, who had it, why it was lost, how it ended."""
    with connected(url) as client:
        found = client.history(experiment_id)
    if as_json:
        typer.echo(found.model_dump_json())
        return
    for before, event in zip((None, *found.items), found.items, strict=False):
        if before is not None and event.number > before.number + 1:
            typer.echo(f"... {event.number - before.number - 1} more ...")
        typer.echo(_line(event))


def _line(event: Event) -> str:
    what = event.kind.replace("_", " ")
    parts = [
        f"{event.at:%Y-%m-%d %H:%M:%S}  {what:16}",
        f"attempt {event.attempt}" if event.attempt else "",
        f"by {event.worker or event.by}" if event.worker or event.by else "",
        f"after epoch {event.epoch}" if event.epoch is not None else "",
        event.reason or "",
    ]
    return "  ".join(filter(None, parts)).rstrip()
