"""Loss and accuracy of a network on a split it does not learn from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.nn import functional

from service import datasets
from service.datasets import Split
from workers import team
from workers.devices import accurate

FEWEST_AT_ONCE = 64
MOST_AT_ONCE = 1024
WIDEST_BYTES = 4 * 2**20
"""Of one layer's outputs for all images evaluated at once: more falls out of the processor's cache."""
MOST_AT_ONCE_ON_A_GPU = 4096
WIDEST_BYTES_ON_A_GPU = 256 * 2**20
"""There launches take longer than what is launched, as long as it is little."""

_at_once: "WeakKeyDictionary[nn.Module, int]" = WeakKeyDictionary()


@dataclass(frozen=True)
class Evaluation:
    """Means over the images; the loss is None where it is not finite."""

    loss: float | None
    accuracy: float
    logits: torch.Tensor | None = field(default=None, compare=False, repr=False)
    """float32 `(n, classes)` on the CPU, where they were asked for."""


def evaluate(
    network: nn.Module,
    split: Split,
    *,
    mean: float,
    std: float,
    label_smoothing: float,
    shared: bool = False,
    keep_logits: bool = False,
) -> Evaluation:
    """Judge the network as it is; the loss is the one that it is trained with.

    With `shared` the threads of `workers/team.py` do it, and come to the same figures.
    """
    network.eval()
    together = images_at_once(network, split.images[:1])

    @torch.inference_mode()
    def judged(parts: Sequence[slice]) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
        sums = []
        for part in parts:
            logits = network(datasets.standardise(split.images[part], mean=mean, std=std))
            labels = split.labels[part]
            loss = functional.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="sum")
            hits = (logits.argmax(1) == labels).sum()
            kind = accurate(loss.device)
            sums.append((torch.stack([loss.to(kind), hits.to(kind)]), logits if keep_logits else None))
        return sums

    parts = list(team.divided(len(split), together))
    shares = _neighbours(parts, team.SHARES) if shared and len(parts) > 1 else [parts]
    sums = [each for made in team.shared(judged, shares) for each in made]
    figures = torch.stack([each for each, _logits in sums]).tolist()  # the one time that a device is waited for
    loss = sum(loss for loss, _hits in figures) / len(split)
    logits = [each for _sums, each in sums if each is not None]
    return Evaluation(
        loss=loss if math.isfinite(loss) else None,
        accuracy=sum(hits for _loss, hits in figures) / len(split),
        logits=torch.cat(logits).float().cpu() if logits else None,
    )


def _neighbours(parts: Sequence[slice], count: int) -> list[Sequence[slice]]:
    """The parts in so many stretches, which in their order are all of them."""
    size = math.ceil(len(parts) / count)
    return [parts[start : start + size] for start in range(0, len(parts), size)]


@torch.inference_mode()
def images_at_once(network: nn.Module, image: torch.Tensor) -> int:
    """How many images the network is best given together, by the outputs of its widest layer for one of them.

    It depends on nothing but the network, the kind of device and the size of its images, uint8 `(1, height, width)`,
    because the last bits of a figure depend on it. The network is to be in evaluation mode; it is asked once and then
    remembered.
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
        on_cpu = image.device.type == "cpu"
        widest, most = (WIDEST_BYTES, MOST_AT_ONCE) if on_cpu else (WIDEST_BYTES_ON_A_GPU, MOST_AT_ONCE_ON_A_GPU)
        fitting = widest // (max(widths) * torch.float32.itemsize)
        _at_once[network] = min(max(fitting, FEWEST_AT_ONCE), most)
    return _at_once[network]
