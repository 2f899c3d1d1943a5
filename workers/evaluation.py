"""Loss and accuracy of a network on a split it does not learn from."""

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn import functional

from service import datasets
from service.datasets import Split

FEWEST_AT_ONCE = 64
MOST_AT_ONCE = 1024
WIDEST_BYTES = 4 * 2**20
"""Of one layer's outputs for all images evaluated at once: more falls out of the processor's cache."""

_at_once: "WeakKeyDictionary[nn.Module, int]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Evaluation:
    """Means over the images; the loss is None where it is not finite."""

    loss: float | None
    accuracy: float


@torch.inference_mode()
def evaluate(network: nn.Module, split: Split, *, mean: float, std: float, label_smoothing: float) -> Evaluation:
    """Judge the network as it is; the loss is the one that it is trained with."""
    network.eval()
    loss = torch.zeros((), dtype=torch.float64, device=split.images.device)
    correct = torch.zeros((), dtype=torch.int64, device=split.images.device)
    together = images_at_once(network, split.images[:1])
    for start in range(0, len(split), together):
        part = slice(start, start + together)
        logits = network(datasets.standardise(split.images[part], mean=mean, std=std))
        labels = split.labels[part]
        loss += functional.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="sum")
        correct += (logits.argmax(1) == labels).sum()
    mean_loss = loss.item() / len(split)
    return Evaluation(
        loss=mean_loss if math.isfinite(mean_loss) else None,
        accuracy=int(correct) / len(split),
    )


@torch.inference_mode()
def images_at_once(network: nn.Module, image: torch.Tensor) -> int:
    """How many images the network is best given together, by the outputs of its widest layer for one of them.

    It depends on nothing but the network and the size of its images, uint8 `(1, height, width)`, because the last bits
    of a figure depend on it. The network is to be in evaluation mode; it is asked once and then remembered.
    """
    if network not in _at_once:
        widths = [image.numel()]
        hooks = [
            layer.register_forward_hook(lambda _layer, _given, output: widths.append(output.numel()))
            for layer in network.modules()
        ]
        network(datasets.standardise(image, mean=0.0, std=1.0))
        for hook in hooks:
            hook.remove()
        fitting = WIDEST_BYTES // (max(widths) * torch.float32.itemsize)
        _at_once[network] = min(max(fitting, FEWEST_AT_ONCE), MOST_AT_ONCE)
    return _at_once[network]
