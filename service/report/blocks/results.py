"""How well each network reads, over its seeds."""

from collections.abc import Iterator

from service.domain.comparison import Estimate
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.report.words import DASH, Words

TITLE = Text(en="Results", fr="Résultats")


def build(view: View) -> Iterator[Part]:
    """A row for each network: the figures of the weights that validation chose."""
    words = view.words
    rows = []
    learnt_from = {each.id: each.spec.dataset.name for shown in view.runs.values() for each in shown.experiments}
    several = len({*learnt_from.values()}) > 1
    for group in view.groups():
        facts = group.facts
        rows.append(
            (
                group.label,
                *((learnt_from[facts.experiment_ids[0]],) if several else ()),
                words.integer(facts.parameters),
                str(len(facts.seeds)),
                words.share(facts.best.accuracy),
                words.share(facts.test.accuracy),
                _interval(facts.test.accuracy, words),
                DASH if facts.test.loss is None else words.decimal(facts.test.loss.mean),
                DASH if facts.seconds is None else words.compact(facts.seconds.mean, 2),
            )
        )
    yield Table(
        head=(
            words.pick("network", "réseau"),
            *((words.pick("data set", "jeu de données"),) if several else ()),
            words.pick("parameters", "paramètres"),
            words.pick("runs", "essais"),
            words.pick("validation accuracy", "exactitude, validation"),
            words.pick("test accuracy", "exactitude, test"),
            words.pick("95 % interval of its mean", "intervalle à 95 % de sa moyenne"),
            words.pick("test loss", "perte, test"),
            words.pick("seconds a run", "secondes par essai"),
        ),
        rows=rows,
        align="l" + "l" * several + "rrrrrrr",
    )
    if any(len(group.facts.seeds) > 1 for group in view.groups()):
        yield Paragraph(
            words.pick(
                "Accuracies are means over runs that differ in their seed alone, ± their standard deviation.",
                "Les exactitudes sont des moyennes sur des essais qui ne diffèrent que par leur graine, ± leur "
                "écart-type.",
            ),
            role="note",
        )


def calls(view: View) -> Iterator[str]:
    """The same as JSON."""
    yield curl.get(f"/v1/comparisons?ids={','.join(view.ids)}")


def _interval(estimate: Estimate | None, words: Words) -> str:
    if estimate is None or estimate.interval is None:
        return DASH
    low, high = max(estimate.interval[0], 0.0), min(estimate.interval[1], 1.0)
    return f"{words.decimal(100 * low, 2)} {words.pick('to', 'à')} {words.percent(high)}"
