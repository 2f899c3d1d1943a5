"""Cross-entropy against 0/1 loss, and whether a network is as sure as it is right."""

from collections.abc import Iterator

from service import judgement
from service.analysis.colours import PENCIL
from service.domain.calibration import Calibration
from service.domain.lab import Text
from service.report import curl, svg
from service.report.parts import Chart, Paragraph, Part, Table
from service.report.svg import Line, Panel
from service.report.view import View
from service.report.words import DASH

TITLE = Text(en="Losses and confidence", fr="Pertes et confiance")

FEWEST_IMAGES = 5
"""In a bin that is drawn."""


def build(view: View) -> Iterator[Part]:
    """On the test split; the temperature is fitted on validation."""
    words = view.words
    found = [
        (label, judgement.calibration(view.sources.evidence(each), "test")) for label, each in view.representatives()
    ]
    if not found:
        yield Paragraph(words.pick("No run is finished.", "Aucun essai n'est terminé."), role="problem")
        return
    yield Table(
        head=(
            words.pick("network", "réseau"),
            words.pick("cross-entropy", "entropie croisée"),
            words.pick("0/1 loss", "perte 0/1"),
            words.pick("its bound: cross-entropy / ln 2", "sa borne : entropie croisée / ln 2"),
            words.pick("calibration error", "erreur de calibration"),
            words.pick("fitted temperature", "température ajustée"),
            words.pick("calibration error then", "erreur de calibration alors"),
        ),
        rows=[
            (
                label,
                words.decimal(each.cross_entropy),
                words.decimal(each.zero_one_loss),
                words.decimal(each.zero_one_bound),
                words.decimal(each.expected_calibration_error),
                words.decimal(each.temperature.value, 2),
                DASH
                if each.temperature.after is None
                else words.decimal(each.temperature.after.expected_calibration_error),
            )
            for label, each in found
        ],
        align="lrrrrrr",
    )
    colours = svg.colours(len(found))
    lines = [Line([(0, 0), (1, 1)], PENCIL, dashed=True)]
    lines += [Line(_points(each), colour) for (_, each), colour in zip(found, colours, strict=True)]
    panel = Panel(
        words.pick(
            "Accuracy of the images read with such confidence", "Exactitude des images lues avec une telle confiance"
        ),
        lines,
        words.pick("confidence", "confiance"),
        within=(0.0, 1.0),
    )
    legend = [(label, colour, False) for (label, _), colour in zip(found, colours, strict=True)]
    legend.append((words.pick("as sure as right", "aussi sûr qu'exact"), PENCIL, True))
    yield Chart(
        svg.draw([panel], legend, number=words.compact),
        caption=words.pick(
            f"Below the diagonal a network is surer than it is right. Bins of fewer than {FEWEST_IMAGES} images are "
            "left out.",
            "Sous la diagonale, un réseau est plus sûr de lui qu'il n'a raison. Les classes de confiance de moins de "
            f"{FEWEST_IMAGES} images sont omises.",
        ),
    )


def calls(view: View) -> Iterator[str]:
    """With the histogram of the margins."""
    for _, experiment in view.representatives():
        yield curl.get(f"/v1/experiments/{experiment.id}/calibration")


def _points(found: Calibration) -> list[tuple[float, float | None]]:
    return [
        (each.confidence, each.accuracy)
        for each in found.bins
        if each.confidence is not None and each.count >= FEWEST_IMAGES
    ]
