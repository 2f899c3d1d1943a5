"""The eager loop that users write for a small dense network on USPS, with all images in memory: a baseline.

It is lean: no DataLoader, one gather an epoch, no figures of training. After each epoch it looks at validation and
keeps the best weights; at the end it looks at the test split. As a program it is a fresh process that trains one run:
`python -m tests.usual_loop DATA_DIR SEED`. So it imports nothing but what such a script does.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn, optim
from torch.nn import functional

from service.torchvision_operators import import_torchvision_datasets

EPOCHS = 10
BATCH = 64
HIDDEN = (64, 32)
VALIDATION = 729
"""Images: a tenth of the training split."""

Split = tuple[torch.Tensor, torch.Tensor]


class Usps(NamedTuple):
    """Standardised images float `(n, 1, 16, 16)` and labels int64 `(n,)`."""

    train: Split
    test: Split


def read(data_dir: Path) -> Usps:
    """Both splits, as torchvision reads them."""
    sets = import_torchvision_datasets()
    train, test = (sets.USPS(data_dir / "USPS", train=train) for train in (True, False))
    images = [torch.as_tensor(each.data).unsqueeze(1).float().div(255) for each in (train, test)]
    labels = [torch.as_tensor(each.targets) for each in (train, test)]
    mean, std = images[0].mean(), images[0].std()
    return Usps(*(((x - mean) / std, y) for x, y in zip(images, labels, strict=True)))


def train(data: Usps, *, seed: int) -> float:
    """The test accuracy of the weights that were best on validation."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Flatten(),
        nn.Linear(256, HIDDEN[0]),
        nn.ReLU(),
        nn.Linear(HIDDEN[0], HIDDEN[1]),
        nn.ReLU(),
        nn.Linear(HIDDEN[1], 10),
    )
    optimizer = optim.SGD(network.parameters(), lr=0.03, momentum=0.9)
    images, labels = data.train
    held_back, own = torch.randperm(len(labels)).tensor_split([VALIDATION])
    validation = (images[held_back], labels[held_back])
    best, weights = -1.0, network.state_dict()
    for _ in range(EPOCHS):
        order = own[torch.randperm(len(own))]
        network.train()
        for inputs, targets in zip(_batches(images[order]), _batches(labels[order]), strict=True):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(inputs), targets)
            torch.autograd.backward(loss)
            optimizer.step()
        accuracy = _accuracy(network, validation)
        if accuracy > best:
            best, weights = accuracy, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(weights)
    return _accuracy(network, data.test)


def _batches(values: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.split(values, BATCH)


@torch.no_grad()
def _accuracy(network: nn.Module, split: Split) -> float:
    network.eval()
    images, labels = split
    return int((network(images).argmax(1) == labels).sum()) / len(labels)


if __name__ == "__main__":
    print(train(read(Path(sys.argv[1])), seed=int(sys.argv[2])))  # noqa: T201  # a program's answer
