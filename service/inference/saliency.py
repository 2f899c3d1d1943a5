"""Which pixels an answer rests on: the slope at each of them, or what is lost when a window is blanked.

Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks: visualising image classification models and
saliency maps" (2014), arXiv:1312.6034, for the gradient. Zeiler and Fergus, "Visualizing and understanding
convolutional networks", ECCV (2014), arXiv:1311.2901, for occlusion.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from service import architectures
from service.domain.architecture import ArchitectureOptions
from service.domain.manifest import Manifest
from service.domain.saliency import Method, Occlusion, Pair, Saliency, Target, Windows
from service.inference import layers
from service.inference.numbers import extremes, listed, single
from service.inference.subject import Subject

if TYPE_CHECKING:
    import torch

DEFAULT_WINDOWS, DEFAULT_WORK = 256, 2_500_000_000
"""Windows, and multiply-accumulates, of an occlusion whose stride nobody chose: the smallest stride that needs no more
of either. A tenth of a second of one core."""
MOST_WINDOWS, MOST_WORK = 1024, 25_000_000_000
"""What a client may ask for."""
RUN_AT_ONCE = 32
"""Images: more would leave the cache."""


def describe(subject: Subject, *, method: Method, target: Target, asked: Pair, windows: Windows) -> Saliency:
    """The map of the digit, by default the one that is read; `InvalidSpecError` where the options do not fit."""
    digit, against = subject.pair(asked)
    if asked.against is not None and target is not Target.GAP:
        raise layers.wrong_parameter("against", f"goes with target=gap, not with target={target}", "not_applicable")
    measured = _Measure(target, digit, against)
    occlusion = None
    if method is Method.GRADIENT:
        for name in windows.model_dump(exclude_none=True):
            raise layers.wrong_parameter(name, "goes with method=occlusion", "not_applicable")
        value, values = _gradient(subject, measured)
        unit = f"{target} per grey on the scale 0..1"
    else:
        value, values, occlusion = _occlusion(subject, measured, windows)
        unit = f"{target} lost, the mean over the windows that hold the pixel"
    minimum, maximum = extremes(values)
    return Saliency(
        **subject.looked(),
        method=method,
        target=target,
        digit=digit,
        against=against if target is Target.GAP else None,
        value=single(value),
        unit=unit,
        map=listed(values),
        minimum=minimum,
        maximum=maximum,
        occlusion=occlusion,
        prediction=subject.prediction,
    )


class _Measure:
    """The target as a function of logits `(n, classes)`."""

    def __init__(self, target: Target, digit: int, against: int) -> None:
        self.target, self.digit, self.against = target, digit, against

    def __call__(self, logits: "torch.Tensor") -> "torch.Tensor":
        match self.target:
            case Target.LOGIT:
                return logits[:, self.digit]
            case Target.GAP:
                return logits[:, self.digit] - logits[:, self.against]
            case Target.PROBABILITY:
                return logits.softmax(1)[:, self.digit]


def _gradient(subject: Subject, measured: _Measure) -> tuple[float, np.ndarray]:
    """By the grey on the scale 0..1: the network's input is that less the mean, over the deviation."""
    import torch

    batch = subject.batch().requires_grad_()
    value = measured(subject.model.network(batch))[0]
    (by_input,) = torch.autograd.grad(value, batch)
    return float(value.detach()), by_input[0, 0].numpy() / subject.model.manifest.std


def _occlusion(subject: Subject, measured: _Measure, windows: Windows) -> tuple[float, np.ndarray, Occlusion]:
    side = len(subject.pixels)
    window = windows.window or max(2, round(side / 7))
    if window > side:
        raise layers.wrong_parameter("window", f"must be between 1 and {side}, the image's side")
    work = _work(subject.model.manifest)
    starts = _starts(side, window, windows.stride or _stride(side, window, work))
    if len(starts) ** 2 > MOST_WINDOWS or len(starts) ** 2 * work > MOST_WORK:
        detail = f"{len(starts) ** 2} windows are more than this network answers in one request: choose a larger stride"
        raise layers.wrong_parameter("stride", detail)
    value, after = _blanked(subject, measured, starts, window)
    drops = value - after.reshape(len(starts), len(starts))
    facts = Occlusion(window=window, stride=_step(starts), starts=starts, drops=listed(drops))
    return value, spread(drops, starts, window=window, side=side), facts


def _blanked(subject: Subject, measured: _Measure, starts: tuple[int, ...], window: int) -> tuple[float, np.ndarray]:
    """The target of the image as it is, and with each window set to the ground, row by row."""
    import torch

    corners = [(top, left) for top in starts for left in starts]
    # A window that holds no ink changes nothing: of a digit that is half of them.
    inked = [
        at for at, (top, left) in enumerate(corners) if subject.pixels[top : top + window, left : left + window].any()
    ]
    with torch.inference_mode():
        value = float(measured(subject.logits[None])[0])
        after = np.full(len(corners), value)
        for begin in range(0, len(inked), RUN_AT_ONCE):
            part = inked[begin : begin + RUN_AT_ONCE]
            images = np.repeat(subject.pixels[None], len(part), axis=0)
            for image, at in zip(images, part, strict=True):
                top, left = corners[at]
                image[top : top + window, left : left + window] = 0
            after[part] = measured(subject.model.network(subject.batch(images))).numpy()
    return value, after


def spread(drops: np.ndarray, starts: tuple[int, ...], *, window: int, side: int) -> np.ndarray:
    """For each pixel the mean drop over the windows that hold it, NaN where none does: `(side, side)`."""
    total, count = np.zeros((side, side)), np.zeros((side, side))
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            place = np.s_[top : top + window, left : left + window]
            total[place] += drops[row, column]
            count[place] += 1
    with np.errstate(invalid="ignore"):
        return total / np.where(count == 0, np.nan, count)


def _starts(side: int, window: int, stride: int) -> tuple[int, ...]:
    """The windows' edges, the last at the border."""
    last = side - window
    starts = list(range(0, last + 1, stride))
    return tuple(starts if starts[-1] == last else [*starts, last])


def _stride(side: int, window: int, work: int) -> int:
    most = min(DEFAULT_WINDOWS, max(1, DEFAULT_WORK // max(1, work)))
    return next((each for each in range(1, side + 1) if len(_starts(side, window, each)) ** 2 <= most), side)


def _step(starts: tuple[int, ...]) -> int:
    return starts[1] - starts[0] if len(starts) > 1 else 1


def _work(manifest: Manifest) -> int:
    """Multiply-accumulates of one image."""
    return _reckoned(manifest.architecture, manifest.activation, manifest.image_size, len(manifest.labels))


@lru_cache(maxsize=256)
def _reckoned(architecture: ArchitectureOptions, activation: str, image_size: int, classes: int) -> int:
    found = architectures.ledger(architecture, activation=activation, image_size=image_size, classes=classes)
    return found.multiply_accumulates
