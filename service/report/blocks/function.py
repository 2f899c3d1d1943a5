"""The function that a network computes."""

from collections.abc import Iterator

from service.domain.lab import Text
from service.report import curl, networks, notation
from service.report.parts import Formula, Part
from service.report.view import View

TITLE = Text(en="The function it computes", fr="La fonction calculée")


def build(view: View) -> Iterator[Part]:
    """Read from the layers; `x` is the standardised image as a vector."""
    words = view.words
    for shown in view.runs.values():
        for each in shown.experiments[:1]:
            function = networks.ledger(each.spec).function
            yield Formula(
                label=shown.label,
                text=function.text,
                where=[words.given(notation.said(part.text, words.language)) for part in function.where],
                latex=function.latex,
            )


def calls(view: View) -> Iterator[str]:
    """With the ledger."""
    for shown in view.runs.values():
        for each in shown.experiments[:1]:
            yield curl.get(f"/v1/experiments/{each.id}/model")
