"""Which networks keep to the sheet's constraints."""

from collections.abc import Iterator

from service.analysis import constraints
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Table
from service.report.view import View

TITLE = Text(en="The constraints", fr="Les contraintes")
MARKS = {True: "✓", False: "✗", None: "?"}


def build(view: View) -> Iterator[Part]:
    """A column a constraint; every experiment, as each has its own figures."""
    words = view.words
    if not view.constraints:
        yield Paragraph(words.pick("The sheet has none.", "Le sujet n'en a aucune."), role="note")
        return
    found = [
        (shown.label, each.spec.seed, constraints.check(view.constraints, each))
        for shown in view.runs.values()
        for each in shown.experiments
    ]
    yield Table(
        head=(
            words.pick("network", "réseau"),
            words.pick("seed", "graine"),
            *(words.of(each.text) for each in view.constraints),
            words.pick("all of them", "toutes"),
        ),
        rows=[
            (label, str(seed), *(MARKS[each.met] for each in checked.constraints), MARKS[checked.met])
            for label, seed, checked in found
        ],
        align="lr" + "l" * (len(view.constraints) + 1),
    )
    met = sum(checked.met is True for _, _, checked in found)
    few = met < 2
    yield Paragraph(
        words.pick(
            f"{met} of {len(found)} networks {'keeps' if met == 1 else 'keep'} to all of them.",
            f"{met} {'réseau' if few else 'réseaux'} sur {len(found)} {'respecte' if few else 'respectent'} toutes les "
            "contraintes.",
        ),
        role="verdict",
    )


def calls(view: View) -> Iterator[str]:
    """Relative to the sheet, whose name the page knows."""
    yield curl.get(f"/v1/labs/{{lab}}/check?ids={','.join(view.ids)}")
