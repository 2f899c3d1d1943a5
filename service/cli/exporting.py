"""`ardoise export`: a trained network as a file that runs without Ardoise."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.asking import write
from service.cli.options import DEFAULT_URL, ExperimentId, Url, connected, usage_error
from service.domain.export import ExportFormat


def export(
    experiment_id: ExperimentId,
    kind: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="Default: what the file's name ends in, else onnx.", case_sensitive=False),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; default: ID.FORMAT.")] = None,
    checkpoint: Annotated[str, typer.Option(help="best, last or the number of an epoch.")] = "best",
    url: Url = DEFAULT_URL,
) -> None:
    """Write a trained network to a file: ONNX, safetensors with its description, or a package of torch.export."""
    chosen = kind or _by_name(output)
    output = output or Path(f"{experiment_id}.{chosen}")
    with connected(url) as client:
        content = client.export(experiment_id, chosen, checkpoint=checkpoint)
    write(output, content)
    typer.echo(output)


def _by_name(output: Path | None) -> ExportFormat:
    if output is None:
        return ExportFormat.ONNX
    suffix = output.suffix.removeprefix(".").lower()
    if suffix not in [*ExportFormat]:
        usage_error(f"--output must end in .{', .'.join(ExportFormat)}, not {output.name!r}, or --format be given")
    return ExportFormat(suffix)
