"""Test error against the number of training images."""

from collections.abc import Iterator

from service.analysis import train_sizes
from service.domain.lab import Text
from service.report import curl, svg
from service.report.parts import Chart, Paragraph, Part, Table
from service.report.svg import Line, Panel
from service.report.view import View

TITLE = Text(en="Fewer images", fr="Moins d'images")


def build(view: View) -> Iterator[Part]:
    """The points, the power law fitted to them, and a sentence on it."""
    words = view.words
    lines, legend, rows, said = [], [], [], []
    colours = svg.colours(len(view.runs))
    for shown, colour in zip(view.runs.values(), colours, strict=True):
        found = view.sources.beside.call(train_sizes.against_size, shown.experiments)
        for curve in found.curves:
            points = [(float(each.train_size), each.test_error.mean) for each in curve.points]
            lines.append(Line(points, colour, dots=True))
            if curve.fit is not None:
                a, b, c = curve.fit.a.value, curve.fit.b.value, curve.fit.c.value
                lines.append(Line([(n, a * n**-b + c) for n in _between(points)], colour))
            legend.append((shown.label, colour, False))
            said.append(f"{shown.label}{words.colon()} {words.of(curve.text)}")
            rows += [
                (
                    shown.label,
                    words.integer(each.train_size),
                    str(each.test_error.n),
                    words.share(each.test_error),
                )
                for each in curve.points
            ]
    if not rows:
        yield Paragraph(words.pick("No run is finished.", "Aucun essai n'est terminé."), role="problem")
        return
    heading = words.pick("Test error, both axes logarithmic", "Erreur en test, deux axes logarithmiques")
    panel = Panel(heading, lines, words.pick("training images", "images d'apprentissage"), logarithmic=(True, True))
    yield Chart(svg.draw([panel], legend, number=words.compact))
    yield Table(
        head=(
            words.pick("network", "réseau"),
            words.pick("training images", "images d'apprentissage"),
            words.pick("runs", "essais"),
            words.pick("test error", "erreur en test"),
        ),
        rows=rows,
        align="lrrr",
    )
    for text in said:
        yield Paragraph(text, role="verdict")


def calls(view: View) -> Iterator[str]:
    """With the fit."""
    yield curl.get(f"/v1/comparisons/train-size?ids={','.join(view.ids)}")


def _between(points: list[tuple[float, float]]) -> list[float]:
    low, high = points[0][0], points[-1][0]
    return [low * (high / low) ** (step / 40) for step in range(41)]
