"""The weights that see the image, as images."""

from collections.abc import Iterator

import numpy as np

from service import looking
from service.analysis import heat_sheets, pictures
from service.domain.lab import Text
from service.inference import filters
from service.report import curl
from service.report.parts import Part, Picture, Pictures
from service.report.view import View

TITLE = Text(en="What the first layer looks for", fr="Ce que cherche la première couche")
SHOWN = 32


def build(view: View) -> Iterator[Part]:
    """One scale a network: blue is negative, orange positive."""
    import base64

    words = view.words
    for label, experiment in view.representatives():
        opened = looking.open_network(
            view.sources.database, view.sources.models, experiment_id=experiment.id, checkpoint="best"
        )
        found = filters.describe(opened, layer=None, channel=None, offset=0, limit=SHOWN)
        items = []
        for tile in found.tiles:
            coloured = heat_sheets.heat(np.array(tile.values, dtype=float), found.scale)
            name = "" if tile.index is None else str(tile.index)
            items.append(Picture(base64.b64encode(pictures.png(coloured)).decode(), name, f"{found.layer.name} {name}"))
        scale = words.compact(found.scale)
        yield Pictures(
            items,
            side=72 if len(items) <= 10 else 48,
            caption=words.pick(
                f"{label}: {len(items)} of {found.total} images of weights of {found.layer.name}; blue is negative, "
                f"orange positive, full colour is ±{scale}.",
                f"{label} : {len(items)} images de poids sur {found.total} de {found.layer.name} ; le bleu est négatif,"
                f" l'orange positif, la pleine couleur vaut ±{scale}.",
            ),
        )


def calls(view: View) -> Iterator[str]:
    """As a contact sheet."""
    for _, experiment in view.representatives():
        yield curl.saved(f"/v1/experiments/{experiment.id}/filters.png", "filters.png")
