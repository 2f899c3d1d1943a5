"""What each layer makes of an image, as numbers or as small pictures."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from service.domain.feature_maps import Activations, Format, LayerMaps
from service.inference import layers
from service.inference.layers import Step
from service.inference.numbers import extremes, listed, single
from service.inference.subject import Subject

MOST_NUMBERS = 1_000_000
"""In one answer, over all layers."""
MOST_MAPS = 1024
MOST_FEATURES = 65_536


def describe(subject: Subject, *, layer: str | None, maps: int, format: Format) -> Activations:  # noqa: A002  # as in the query
    """Every layer's output, or that of one, at most `maps` maps of each; `InvalidSpecError` where that is too much."""
    steps = trace(subject, layer)
    shown = [_shown(step.values, maps) for step in steps]
    numbers = sum(each.size for each in shown)
    if numbers > MOST_NUMBERS:
        raise layers.wrong_parameter(
            "layer",
            f"all layers have {numbers:,} numbers, an answer at most {MOST_NUMBERS:,}: name one layer or ask for fewer "
            f"maps; layers: {', '.join(step.name for step in steps)}",
        )
    facts = tuple(_facts(step, part, format) for step, part in zip(steps, shown, strict=True))
    return Activations(**subject.looked(), layers=facts, prediction=subject.prediction)


def of_one_layer(subject: Subject, *, layer: str | None, maps: int) -> Activations:
    """The numbers of one layer, by default the first with weights."""
    chosen = next(iter(layers.weighted(subject.model.network))) if layer is None else layer
    return describe(subject, layer=chosen, maps=maps, format=Format.JSON)


def trace(subject: Subject, layer: str | None = None) -> Sequence[Step]:
    """All steps, or that of the one layer; `InvalidSpecError` where there is no such layer."""
    steps = layers.trace(subject.model.network, subject.batch())
    if layer is None:
        return steps
    chosen = layers.choose(layer, [step.name for step in steps])
    return [step for step in steps if step.name == chosen]


def _shown(values: np.ndarray, maps: int) -> np.ndarray:
    return values[: maps if values.ndim == 3 else MOST_FEATURES]


def _facts(step: Step, shown: np.ndarray, format: Format) -> LayerMaps:  # noqa: A002  # as in the query
    values = step.values
    minimum, maximum = extremes(values)
    has_maps = values.ndim == 3
    return LayerMaps(
        name=step.name,
        type=type(step.layer).__name__,
        shape=values.shape,
        minimum=minimum,
        maximum=maximum,
        mean=single(values.mean(dtype=np.float64)),
        zeros=float((values == 0).mean()),
        shown=len(shown),
        values=None if has_maps else listed(shown),
        maps=listed(shown) if has_maps and format is Format.JSON else None,
        png=_tiles(shown, minimum, maximum) if has_maps and format is Format.PNG else None,
    )


def _tiles(maps: np.ndarray, minimum: float | None, maximum: float | None) -> tuple[str, ...]:
    low, high = minimum or 0.0, maximum or 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        grey = (maps - np.float64(low)) * (255 / (high - low) if high > low else 0.0)
    pixels = np.rint(np.nan_to_num(grey, nan=0, posinf=255, neginf=0)).clip(0, 255).astype(np.uint8)
    return tuple(_png(each) for each in pixels)


def _png(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode()
