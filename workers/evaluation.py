"""Loss and accuracy of a network on a split it does not learn from."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from service import datasets
from service.datasets import Split

EVALUATED_AT_ONCE = 256
"""Images: large enough to be quick, small enough for the feature maps of a wide network."""


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
    for start in range(0, len(split), EVALUATED_AT_ONCE):
        part = slice(start, start + EVALUATED_AT_ONCE)
        logits = network(datasets.standardise(split.images[part], mean=mean, std=std))
        labels = split.labels[part]
        loss += functional.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="sum")
        correct += (logits.argmax(1) == labels).sum()
    mean_loss = loss.item() / len(split)
    return Evaluation(
        loss=mean_loss if math.isfinite(mean_loss) else None,
        accuracy=int(correct) / len(split),
    )
