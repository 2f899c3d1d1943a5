"""Networks on other data sets than those that they learnt from."""

from collections.abc import Iterator, Sequence

from service.analysis.estimates import estimate
from service.domain.evaluation import MAX_ROWS, Cell, EvaluationTable, Reframing
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Table
from service.report.view import Group, View
from service.report.words import DASH, Words
from service.storage import evaluations

TITLE = Text(en="Across data sets", fr="D'un jeu de données à l'autre")

OTHERS = {"mnist": "usps"}
"""What is asked for in the example of a request, by what was learnt from."""


def build(view: View) -> Iterator[Part]:
    """Rows are networks, columns the data sets whose test images they read."""
    words = view.words
    if not any(shown.finished for shown in view.runs.values()):
        yield Paragraph(words.pick("No run is finished.", "Aucun essai n'est terminé."), role="problem")
        return
    with view.sources.database.reading() as session:
        found = evaluations.table(session, view.ids, framing=Reframing.RECORDED)
    groups = [*view.groups()]
    yield Table(
        head=(words.pick("network", "réseau"), words.pick("learnt from", "appris sur"), *found.datasets),
        rows=[_row(group, found, view) for group in groups],
        align="ll" + "r" * len(found.datasets),
        caption=_caption(groups, words),
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
    """The table; `POST /v1/experiments/ID/evaluations` adds to it."""
    yield curl.get(f"/v1/evaluations?ids={','.join(view.ids[:MAX_ROWS])}")
    for _, experiment in view.representatives():
        other = {"dataset": OTHERS.get(experiment.spec.dataset.name, "mnist")}
        yield curl.post(f"/v1/experiments/{experiment.id}/evaluations", other)


def _caption(groups: Sequence[Group], words: Words) -> str:
    if all(len(group.facts.experiment_ids) == 1 for group in groups):
        return words.pick("Test accuracy.", "Exactitude en test.")
    return words.pick(
        "Test accuracy: means over the seeds, ± their standard deviation.",
        "Exactitude en test : moyennes sur les graines, ± leur écart-type.",
    )


def _row(group: Group, found: EvaluationTable, view: View) -> tuple[str, ...]:
    members = [row for row in found.rows if row.experiment_id in group.facts.experiment_ids]
    by_dataset = zip(*(row.cells for row in members), strict=True)
    return group.label, members[0].trained_on, *(_shown(cells, view) for cells in by_dataset)


def _shown(cells: Sequence[Cell | None], view: View) -> str:
    """Over the seeds, and of how many where some are still to come; before the first of them, how it stands."""
    there = [cell for cell in cells if cell is not None]
    read = [cell.accuracy for cell in there if cell.accuracy is not None]
    if not read:
        return view.words.state(there[0].state) if there else DASH
    known = view.words.share(view.sources.beside.call(estimate, read))
    return known if len(read) == len(cells) else f"{known} ({len(read)}/{len(cells)})"
