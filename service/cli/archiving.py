"""`ardoise archive`: a run with all that is known of it, as one file."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.asking import write
from service.cli.options import DEFAULT_URL, ExperimentId, Url, connected


def archive(
    experiment_id: ExperimentId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Zip file to write; default: ID.zip.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a run to a zip file: spec and environment, figures, findings, notes, diagnostics and evaluations."""
    output = output or Path(f"{experiment_id}.zip")
    with connected(url) as client:
        content = client.archive(experiment_id)
    write(output, content)
    typer.echo(output)
