"""Networks on other data sets than those that they learnt from."""

from collections.abc import Iterator

from service.domain.evaluation import Cell, Reframing
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.report.words import DASH, Words
from service.storage import evaluations

TITLE = Text(en="Across data sets", fr="D'un jeu de données à l'autre")

OTHERS = {"mnist": "usps"}
"""What is asked for in the example of a request, by what was learnt from."""


def build(view: View) -> Iterator[Part]:
    """Rows are networks, columns the data sets whose test images they read."""
    words = view.words
    ids = [each.id for _, each in view.representatives()]
    if not ids:
        yield Paragraph(words.pick("No run is finished.", "Aucun essai n'est terminé."), role="problem")
        return
    with view.sources.database.reading() as session:
        found = evaluations.table(session, ids, framing=Reframing.RECORDED)
    labels = {each.id: label for label, each in view.representatives()}
    yield Table(
        head=(words.pick("network", "réseau"), words.pick("learnt from", "appris sur"), *found.datasets),
        rows=[
            (labels[row.experiment_id], row.trained_on, *(_shown(cell, words) for cell in row.cells))
            for row in found.rows
        ],
        align="ll" + "r" * len(found.datasets),
        caption=words.pick("Test accuracy.", "Exactitude en test."),
    )
    if len(found.datasets) == 1:
        yield Paragraph(
            words.pick(
                "Nobody has asked for an evaluation on another data set; the curl line below does.",
                "Aucune évaluation sur un autre jeu de données n'a été demandée ; la ligne curl ci-dessous le fait.",
            ),
            role="note",
        )


def calls(view: View) -> Iterator[str]:
    """The table; `POST /v1/experiments/ID/evaluations` fills it."""
    ids = [each.id for _, each in view.representatives()]
    yield curl.get(f"/v1/evaluations?ids={','.join(ids)}")
    for _, experiment in view.representatives():
        other = {"dataset": OTHERS.get(experiment.spec.dataset.name, "mnist")}
        yield curl.post(f"/v1/experiments/{experiment.id}/evaluations", other)


def _shown(cell: Cell | None, words: Words) -> str:
    if cell is None:
        return DASH
    return words.percent(cell.accuracy) if cell.accuracy is not None else words.state(cell.state)
