"""Which networks are better than which, pair by pair."""

from collections.abc import Iterator

from service.domain.lab import Text
from service.report import curl, judgements
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.report.words import HARD

TITLE = Text(en="Every pair", fr="Toutes les paires")
MOST_ROWS = 45


def build(view: View) -> Iterator[Part]:
    """By seeds and images where there are several of each, else by McNemar's test on the test images."""
    words = view.words
    found = judgements.all_pairs(view)
    if not found:
        yield Paragraph(
            words.pick(
                "No two finished networks can be held against each other.",
                "Il n'y a pas deux réseaux terminés que l'on puisse comparer.",
            ),
            role="problem",
        )
        return
    yield Table(
        head=(
            words.pick("networks", "réseaux"),
            words.pick("difference in points", "écart en points"),
            words.pick("95 % interval", "intervalle à 95 %"),
            words.pick("corrected p", "p corrigé"),
            words.pick("better", "meilleur"),
        ),
        rows=[
            (
                f"{each.first} − {each.second}",
                words.points(each.difference),
                judgements.interval(each, words),
                words.p(each.p_value).removeprefix(f"p{HARD}").removeprefix(f"={HARD}"),
                each.better or words.pick("not distinguishable", "indiscernables"),
            )
            for each in found[:MOST_ROWS]
        ],
        align="lrrrl",
    )
    yield Paragraph(judgements.method(found, words), role="note")


def calls(view: View) -> Iterator[str]:
    """The verdicts in words, too."""
    yield curl.get(f"/v1/comparisons?ids={','.join(view.ids)}&series=false")
