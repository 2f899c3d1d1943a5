"""One linear layer from the pixels to the classes; without a hidden layer the activation has no place in it."""

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from service.domain.architecture import ArchitectureOptions

if TYPE_CHECKING:
    from torch import nn


class Options(ArchitectureOptions):
    """There is nothing to choose."""

    name: Literal["perceptron"] = "perceptron"


def build(
    options: Options,  # noqa: ARG001 - the signature of every architecture
    *,
    activation: "type[nn.Module]",  # noqa: ARG001 - the signature of every architecture
    image_size: int,
    classes: int,
) -> "nn.Sequential":
    """Softmax regression, the softmax being part of the loss."""
    from torch import nn

    return nn.Sequential(OrderedDict[str, nn.Module](flatten=nn.Flatten(), output=nn.Linear(image_size**2, classes)))
