"""What was found inside a network, drawn: each answer of that kind as one sheet."""

from math import ceil

import numpy as np

from service.analysis import heat_sheets
from service.analysis.heat_sheets import Tile, blend, grey, heat
from service.domain.feature_maps import Activations, LayerMaps
from service.domain.filters import Filters
from service.domain.numbers import Grid
from service.domain.saliency import Contributions, Saliency

FEATURES_IN_A_ROW = 32


def of_filters(filters: Filters) -> bytes:
    """A tile an output channel or unit, all on one scale."""
    tiles = [
        Tile(heat(_array(tile.values), filters.scale), "" if tile.index is None else str(tile.index))
        for tile in filters.tiles
    ]
    shown = "" if len(tiles) == filters.total else f", {filters.offset} to {filters.offset + len(tiles) - 1}"
    title = f"{filters.layer.name}{shown}: {filters.view}"
    return heat_sheets.draw(tiles, title=title, scale=filters.scale)


def of_feature_maps(activations: Activations) -> bytes:
    """The maps of the one layer in the answer, with its numbers, after the image itself; zero is pale."""
    (layer,) = activations.layers
    scale = max(-(layer.minimum or 0.0), layer.maximum or 0.0) or None
    maps = [_array(each) for each in layer.maps] if layer.maps is not None else [_in_rows(layer)]
    tiles = [Tile(heat(each, scale), str(index)) for index, each in enumerate(maps)]
    image = Tile(grey(_array(activations.image.pixels)), "image")
    shape = " x ".join(map(str, layer.shape))
    title = f"{layer.name} ({layer.type}): {shape}, read as {activations.prediction.label}"
    return heat_sheets.draw([image, *tiles] if layer.maps is not None else tiles, title=title, scale=scale)


def of_saliency(saliency: Saliency) -> bytes:
    """The image, the map, and the map laid over the image."""
    values, image = _array(saliency.map), _array(saliency.image.pixels)
    scale = _scale(saliency.minimum, saliency.maximum)
    colours = heat(values, scale)
    tiles = [Tile(grey(image), "image"), Tile(colours, str(saliency.method)), Tile(blend(image, colours), "both")]
    against = "" if saliency.against is None else f" over {saliency.labels[saliency.against]}"
    title = f"{saliency.method}: {saliency.target} of {saliency.labels[saliency.digit]}{against}, {_read(saliency)}"
    return heat_sheets.draw(tiles, title=title, scale=scale, columns=3)


def of_contributions(contributions: Contributions) -> bytes:
    """The image, the weights, and their product: each of the last two on the scale written below it."""
    weights, products = _array(contributions.weights), _array(contributions.map)
    tiles = [Tile(grey(_array(contributions.image.pixels)), "image")]
    for name, values in (("weights", weights), ("weight times pixel", products)):
        finite = values[np.isfinite(values)]
        scale = float(abs(finite).max()) if finite.size else None
        tiles.append(Tile(heat(values, scale), f"{name}: ±{scale or 0:.3g}"))
    labels = contributions.labels
    pair = f"{labels[contributions.digit]} over {labels[contributions.against]}"
    parts = [_number(each) for each in (contributions.pixels, contributions.bias, contributions.gap)]
    title = f"{pair}: pixels {parts[0]} + bias {parts[1]} = gap {parts[2]}"
    return heat_sheets.draw(tiles, title=title, scale=None, columns=3)


def _array(grid: Grid) -> np.ndarray:
    return np.array(grid, dtype=float)


def _in_rows(layer: LayerMaps) -> np.ndarray:
    """Numbers without a place of their own, in rows."""
    values = np.array(layer.values or (), dtype=float)
    width = min(len(values), max(FEATURES_IN_A_ROW, ceil(len(values) ** 0.5)))
    rows = np.full((ceil(len(values) / width), width), np.nan)
    rows.flat[: len(values)] = values
    return rows


def _scale(minimum: float | None, maximum: float | None) -> float | None:
    return None if minimum is None or maximum is None else max(-minimum, maximum) or None


def _read(looked: Saliency) -> str:
    return f"read as {looked.prediction.label}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"
