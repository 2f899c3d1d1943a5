"""What the rules find in the learning curves, in words."""

from collections import defaultdict
from collections.abc import Iterator

from service.analysis import findings
from service.domain.curves import Finding, Severity
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.storage import metrics, notes

TITLE = Text(en="Comments on the curves", fr="Commentaires des courbes")
MOST_NOTES = 20


def build(view: View) -> Iterator[Part]:
    """For each network, what was found in its runs, the gravest first; below, what people have written."""
    words = view.words
    rows: list[tuple[str, str, str]] = []
    written: list[str] = []
    with view.sources.database.reading() as session:
        epochs = metrics.epochs_of_each(session, view.ids)
        texts = notes.texts(session, view.ids, limit=MOST_NOTES)
    for shown in view.runs.values():
        found: dict[str, list[Finding]] = defaultdict(list)
        for experiment in shown.experiments:
            for each in findings.comment(experiment, epochs[experiment.id]):
                found[each.kind].append(each)
            written += [f"{experiment.name}{words.colon()} {text}" for text in texts[experiment.id]]
        gravest = sorted(found.values(), key=lambda same: [*Severity].index(same[0].severity), reverse=True)
        rows += [(shown.label, f"{len(same)}/{len(shown.experiments)}", words.of(same[0].text)) for same in gravest]
    yield Table(
        head=(
            words.pick("network", "réseau"),
            words.pick("runs", "essais"),
            words.pick(
                "what is seen, with the numbers of the first such run",
                "ce que l'on voit, avec les nombres du premier essai concerné",
            ),
        ),
        rows=rows,
        align="lrl",
    )
    for text in written:
        yield Paragraph(text)


def calls(view: View) -> Iterator[str]:
    """Of each network's first run."""
    for shown in view.runs.values():
        for each in shown.experiments[:1]:
            yield curl.get(f"/v1/experiments/{each.id}/findings")
