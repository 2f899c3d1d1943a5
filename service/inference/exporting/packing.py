"""The process that makes a package of `torch.export`: the card, the manifest and the weights come in, it goes out.

On stdin a line of JSON each for the card and the manifest, then safetensors; on stdout the package. One that would
answer otherwise than the checkpoint ends it with the status below and the reason as the last line of stderr.
"""

import sys
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from service import architectures
from service.domain.export import CARD, ExportCard, as_json
from service.domain.manifest import Manifest
from service.errors import UnexportableError
from service.inference.exporting.parity import checked
from service.inference.exporting.torch_package import UNEXPORTABLE
from service.inference.models import Model

if TYPE_CHECKING:
    from torch.export import ExportedProgram


def package(model: Model, card: ExportCard) -> bytes:
    """The package, with the card and the difference that was found in it."""
    program = _traced(model)
    difference = checked(model, partial(_run, _saved(program)), card.format)
    return _saved(program, {CARD: as_json(card, parity=difference)})


def _traced(model: Model) -> "ExportedProgram":
    import torch
    from torch import nn

    manifest = model.manifest

    class Reader(nn.Module):
        """Greys in, logits and probabilities out."""

        def __init__(self) -> None:
            super().__init__()
            self.network = model.network

        def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.network((image - 255 * manifest.mean) / (255 * manifest.std))
            return {"logits": logits, "probabilities": logits.softmax(1)}

    # Of two images: a dimension of one would be taken for one that is always so.
    example = torch.zeros(2, 1, manifest.image_size, manifest.image_size)
    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad():
        return torch.export.export(Reader().eval(), (example,), dynamic_shapes=({0: batch},))


def _saved(program: "ExportedProgram", extra: dict[str, str] | None = None) -> bytes:
    import torch

    file = BytesIO()
    torch.export.save(program, file, extra_files=extra)
    return file.getvalue()


def _run(content: bytes, images: np.ndarray) -> np.ndarray:
    import torch

    program = torch.export.load(BytesIO(content))
    with torch.no_grad():
        logits: torch.Tensor = program.module()(torch.from_numpy(images))["logits"]
        return logits.numpy()


def main() -> None:
    """One package."""
    from safetensors.torch import load

    card = ExportCard.model_validate_json(sys.stdin.buffer.readline())
    manifest = Manifest.model_validate_json(sys.stdin.buffer.readline())
    weights = sys.stdin.buffer.read()
    network = architectures.build(
        manifest.architecture,
        activation=manifest.activation,
        image_size=manifest.image_size,
        classes=len(manifest.labels),
    )
    network.load_state_dict(load(weights))
    model = Model(network.eval(), manifest, bytes=len(weights))
    try:
        made = package(model, card)
    except UnexportableError as error:
        sys.stderr.write(f"\n{error.message}\n")
        sys.exit(UNEXPORTABLE)
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
