"""LeNet-5: two convolutions with average pooling, then 120 and 84 units; 61,706 parameters on 28x28 images.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998),
as it is commonly built since: every map of the second convolution sees every map of the first, pooling has no
weights, and a linear layer replaces the radial basis functions at the end. The paper's activation is tanh.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from service.domain.architecture import ArchitectureOptions

if TYPE_CHECKING:
    from torch import nn


class Options(ArchitectureOptions):
    """There is nothing to choose."""

    name: Literal["lenet5"] = "lenet5"


def build(
    options: Options,  # noqa: ARG001 - the signature of every architecture
    *,
    activation: "type[nn.Module]",
    image_size: int,
    classes: int,
) -> "nn.Sequential":
    """Images under 12x12 leave the second convolution less than 6 pixels a side: it is padded by 2 there."""
    from torch import nn

    pooled = image_size // 2
    padding = 2 if pooled < 6 else 0
    side = (pooled + 2 * padding - 4) // 2
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            convolution1=nn.Conv2d(1, 6, kernel_size=5, padding=2),
            activation1=activation(),
            pool1=nn.AvgPool2d(2),
            convolution2=nn.Conv2d(6, 16, kernel_size=5, padding=padding),
            activation2=activation(),
            pool2=nn.AvgPool2d(2),
            flatten=nn.Flatten(),
            hidden1=nn.Linear(16 * side**2, 120),
            activation3=activation(),
            hidden2=nn.Linear(120, 84),
            activation4=activation(),
            output=nn.Linear(84, classes),
        )
    )
