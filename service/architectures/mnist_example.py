"""The network of PyTorch's MNIST example: convolutions of 32 and 64, then 128 units; 1,199,882 parameters on 28x28.

https://github.com/pytorch/examples/tree/main/mnist. The example ends in log-softmax and the negative log-likelihood;
logits and cross-entropy, as here, are the same function. Its activation is ReLU.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from service.domain.architecture import ArchitectureOptions

if TYPE_CHECKING:
    from torch import nn


DROPOUT = 0.5


class Options(ArchitectureOptions):
    """There is nothing to choose."""

    name: Literal["mnist_example"] = "mnist_example"

    @property
    def strongest_dropout(self) -> float:
        """That of the dense layer; the convolutions have less."""
        return DROPOUT


def build(
    options: Options,  # noqa: ARG001 - the signature of every architecture
    *,
    activation: "type[nn.Module]",
    image_size: int,
    classes: int,
) -> "nn.Sequential":
    """The two convolutions take two pixels a side each, the pooling halves what is left."""
    from torch import nn

    side = (image_size - 4) // 2
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            convolution1=nn.Conv2d(1, 32, kernel_size=3),
            activation1=activation(),
            convolution2=nn.Conv2d(32, 64, kernel_size=3),
            activation2=activation(),
            pool=nn.MaxPool2d(2),
            dropout1=nn.Dropout(0.25),
            flatten=nn.Flatten(),
            hidden1=nn.Linear(64 * side**2, 128),
            activation3=activation(),
            dropout2=nn.Dropout(DROPOUT),
            output=nn.Linear(128, classes),
        )
    )
