"""A checkpoint's weights with what they are in the file's header.

The stored file, which `/weights` gives as it is, says nothing of that: so the same spec leaves the same bytes, and how
well the weights did on the test split is known only after they were written.
"""

import json
from functools import partial

import numpy as np

from service import datasets
from service.domain.export import ExportCard, as_strings
from service.inference.exporting import layer_list
from service.inference.exporting.parity import checked
from service.inference.models import Model


def write(model: Model, card: ExportCard) -> tuple[bytes, float]:
    """The file, and how far the network that its header describes is from the checkpoint.

    A network with a layer that is none of torch.nn's has no `layers` in the header: null, and nothing to differ.
    """
    from safetensors.torch import save

    content = save(dict(model.network.state_dict()))
    layers = layer_list.described(model.network)
    difference = 0.0
    if layers is not None:
        difference = checked(model, partial(_run, model, json.dumps(layers), content), card.format)
    return _with_metadata(content, {"format": "pt"} | as_strings(card, layers=layers, parity=difference)), difference


def _with_metadata(content: bytes, metadata: dict[str, str]) -> bytes:
    """The same tensors under another header; the library's own function shuffles metadata anew in every process.

    A file is the header's length in 8 bytes, the header in JSON, spaces up to a multiple of 8, and the tensors:
    https://github.com/huggingface/safetensors#format
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps({"__metadata__": metadata} | json.loads(content[8:end]), separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]


def _run(model: Model, layers: str, weights: bytes, images: np.ndarray) -> np.ndarray:
    import torch
    from safetensors.torch import load

    network = layer_list.rebuilt(json.loads(layers))
    network.load_state_dict(load(weights))
    mean, std = model.manifest.mean, model.manifest.std
    with torch.inference_mode():
        logits: torch.Tensor = network(datasets.standardise(torch.tensor(images[:, 0]), mean=mean, std=std))
        return logits.numpy()
