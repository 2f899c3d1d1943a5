"""The layers of a network, with the sum that each number of parameters comes from."""

from collections.abc import Iterator

from service.domain.lab import Text
from service.report import curl, networks
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.report.words import DASH

TITLE = Text(en="Parameters, layer by layer", fr="Les paramètres, couche par couche")


def build(view: View) -> Iterator[Part]:
    """A table a network; for a convolution the dense layer that it replaces."""
    words = view.words
    for shown in view.runs.values():
        for each in shown.experiments[:1]:
            found = networks.ledger(each.spec)
            rows = [
                (
                    layer.name,
                    layer.type,
                    " × ".join(map(str, layer.output_shape)),
                    layer.formula or DASH,
                    words.integer(layer.multiply_accumulates),
                )
                for layer in found.layers
            ]
            rows.append(
                (
                    words.pick("total", "total"),
                    "",
                    "",
                    words.integer(found.parameters),
                    words.integer(found.multiply_accumulates),
                )
            )
            yield Table(
                head=(
                    words.pick("layer", "couche"),
                    words.pick("type", "type"),
                    words.pick("output", "sortie"),
                    words.pick("parameters", "paramètres"),
                    words.pick("multiplications", "multiplications"),
                ),
                rows=rows,
                align="lllrr",
                caption=shown.label,
                total=True,
            )
            for layer in found.layers:
                if layer.dense_equivalent is not None:
                    dense = layer.dense_equivalent
                    yield Paragraph(
                        words.pick(
                            f"{layer.name}: a dense layer with the same inputs and outputs would have "
                            f"{words.integer(dense.parameters)} parameters, {words.times(dense.sharing_factor)} "
                            "times as many: the convolution uses each weight at every position.",
                            f"{layer.name} : une couche dense de mêmes entrées et sorties aurait "
                            f"{words.integer(dense.parameters)} paramètres, {words.times(dense.sharing_factor)} fois "
                            "plus : la convolution réemploie chaque poids à toutes les positions.",
                        ),
                        role="note",
                    )


def calls(view: View) -> Iterator[str]:
    """The same as JSON."""
    for shown in view.runs.values():
        for each in shown.experiments[:1]:
            yield curl.get(f"/v1/experiments/{each.id}/model")
