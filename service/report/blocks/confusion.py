"""Which digits are read as which."""

from collections.abc import Iterator
from math import sqrt

from service import judgement
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Cell, Matrix, Paragraph, Part, Table
from service.report.view import View

TITLE = Text(en="Which digits are taken for which", fr="Quels chiffres sont pris pour quels autres")


def build(view: View) -> Iterator[Part]:
    """On the test split."""
    words = view.words
    for label, experiment in view.representatives():
        found = judgement.confusion(view.sources.evidence(experiment), "test")
        rows = [
            [
                Cell(str(count) if count else "", _depth(count, scores.support, right=row == column), row == column)
                for column, count in enumerate(counts)
            ]
            for row, (counts, scores) in enumerate(zip(found.matrix, found.per_class, strict=True))
        ]
        yield Matrix(
            names=found.labels,
            rows=rows,
            caption=f"{label}{words.colon()} {words.percent(found.accuracy)}, "
            + words.pick(f"{words.integer(found.images)} test images", f"{words.integer(found.images)} images de test"),
            corner=words.pick("is ↓ read as →", "est ↓ lu →"),
        )
        yield Table(
            head=("", *found.labels),
            rows=[
                (words.pick("precision", "précision"), *(words.decimal(each.precision, 3) for each in found.per_class)),
                (words.pick("recall", "rappel"), *(words.decimal(each.recall, 3) for each in found.per_class)),
                ("F1", *(words.decimal(each.f1, 3) for each in found.per_class)),
            ],
            align="l" + "r" * len(found.labels),
        )
        if found.most_confused:
            most = found.most_confused[0]
            truth, read = found.labels[most.label], found.labels[most.prediction]
            yield Paragraph(
                words.pick(
                    f"The commonest mistake: {truth} read as {read}, {most.count} times.",
                    f"L'erreur la plus fréquente : {truth} lu {read}, {most.count} fois.",
                )
            )


def calls(view: View) -> Iterator[str]:
    """The same as JSON."""
    for _, experiment in view.representatives():
        yield curl.get(f"/v1/experiments/{experiment.id}/confusion")


def _depth(count: int, support: int, *, right: bool) -> float:
    """Of a row's share; off the diagonal a fifth of the row is dark already."""
    share = count / support if support else 0.0
    return round(sqrt(share if right else min(1.0, 5 * share)), 3)
