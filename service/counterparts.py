"""A dense network beside a convolutional one, and the other way round, of as many layers with weights.

For a network with convolutions, the dense one passes on as many numbers from layer to layer as it does: each hidden
layer has as many units as values enter the next layer with weights, after pooling. Where that makes more parameters
than a spec may have, all hidden layers are narrowed by one factor, so that the counterpart can always be trained.

For a dense network, every hidden layer becomes a 3x3 convolution with maximum pooling: 16 channels in the first, twice
as many in each next, at most 128.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from service import architectures
from service.domain.architecture import MAX_UNITS
from service.domain.ledger import Ledger
from service.domain.preview import Counterpart
from service.domain.spec import MAX_PARAMETERS

FIRST_CHANNELS, MOST_CHANNELS = 16, 128
DENSE_RULE = "as many dense layers, each passing on as many numbers as the convolutional network's"
NARROWED_RULE = "; all hidden ones narrowed to {share:.3g} of that, so as to have at most {most:,} parameters"
CONVOLUTIONAL_RULE = (
    f"every hidden layer a 3x3 convolution with maximum pooling, {FIRST_CHANNELS} channels in the first and twice as "
    f"many in each next, at most {MOST_CHANNELS}"
)


def counterpart(ledger: Ledger, *, activation: str, image_size: int, classes: int) -> Counterpart | None:
    """None for a network without a hidden layer."""
    hidden = len(ledger.weighted) - 1
    if hidden < 1:
        return None
    if ledger.convolutions:
        widths, rule = _dense_widths(ledger, pixels=image_size**2, classes=classes)
        options = architectures.options_class("mlp").model_validate({"hidden": widths})
    else:
        channels = [min(FIRST_CHANNELS * 2**number, MOST_CHANNELS) for number in range(hidden)]
        options = architectures.options_class("cnn").model_validate({"channels": channels, "hidden": []})
        rule = CONVOLUTIONAL_RULE
    other = architectures.ledger(options, activation=activation, image_size=image_size, classes=classes)
    dense, convolutional = (other, ledger) if ledger.convolutions else (ledger, other)
    return Counterpart(
        kind="dense" if ledger.convolutions else "convolutional",
        rule=rule,
        architecture=options,
        ledger=other,
        parameter_ratio=dense.parameters / convolutional.parameters,
        multiply_accumulate_ratio=dense.multiply_accumulates / convolutional.multiply_accumulates,
    )


def _dense_widths(ledger: Ledger, *, pixels: int, classes: int) -> tuple[list[int], str]:
    """Units of each hidden layer, and the rule they follow."""
    passed_on = [prod(ledger.layers[place - 1].output_shape) for place in ledger.weighted[1:]]
    if _fits(passed_on, pixels=pixels, classes=classes):
        return passed_on, DENSE_RULE
    least, most = 0.0, 1.0
    for _ in range(40):  # halves the interval each time, down to less than a unit of any width
        share = (least + most) / 2
        fits = _fits(_narrowed(passed_on, share), pixels=pixels, classes=classes)
        least, most = (share, most) if fits else (least, share)
    return _narrowed(passed_on, least), DENSE_RULE + NARROWED_RULE.format(share=least, most=MAX_PARAMETERS)


def _narrowed(widths: Sequence[int], share: float) -> list[int]:
    return [max(1, int(width * share)) for width in widths]


def _fits(widths: Sequence[int], *, pixels: int, classes: int) -> bool:
    sizes = [pixels, *widths, classes]
    parameters = sum((before + 1) * after for before, after in pairwise(sizes))
    return max(widths) <= MAX_UNITS and parameters <= MAX_PARAMETERS
