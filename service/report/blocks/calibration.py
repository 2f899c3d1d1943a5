"""Cross-entropy against 0/1 loss, and whether a network is as sure as it is right."""

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

from service import judgement
from service.analysis.colours import PENCIL
from service.domain.calibration import Calibration, FittedTemperature
from service.domain.lab import Text
from service.report import curl, svg
from service.report.parts import Chart, Paragraph, Part, Table
from service.report.svg import Line, Panel
from service.report.view import View
from service.report.words import DASH, Words

TITLE = Text(en="Losses and confidence", fr="Pertes et confiance")

FEWEST_IMAGES = 5
"""In a bin that is drawn."""
CLEAR_OF_LUCK = 2.0
"""Standard errors by which confidence and accuracy differ: the test of Spiegelhalter (Statistics in Medicine 5, 1986)
is of the same kind."""


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
            words.pick("mean confidence", "confiance moyenne"),
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
                words.percent(_sureness(each).confidence),
                words.decimal(each.expected_calibration_error),
                _temperature(each.temperature, words),
                DASH
                if each.temperature.after is None
                else words.decimal(each.temperature.after.expected_calibration_error),
            )
            for label, each in found
        ],
        align="lrrrrrrr",
    )
    for label, each in found:
        yield Paragraph(_verdict(label, _sureness(each), words), role="verdict")
    yield Paragraph(
        words.pick(
            "The temperature is the one with the least cross-entropy on validation; where all images of that are read "
            "right there is none, and the lowest stands for it. The calibration errors are of the test images.",
            "La température est celle dont l'entropie croisée en validation est la plus petite ; quand toutes ces "
            "images-là sont bien lues, il n'y en a pas, et la plus basse en tient lieu. Les erreurs de calibration "
            "sont celles des images de test.",
        ),
        role="note",
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


class _Sureness(NamedTuple):
    """Means over the images."""

    images: int
    confidence: float | None
    accuracy: float | None
    luck: float
    """The standard error of the accuracy of a network that is as sure as it is right."""


def _sureness(found: Calibration) -> _Sureness:
    bins = [
        (each.count, each.confidence, each.accuracy)
        for each in found.bins
        if each.confidence is not None and each.accuracy is not None
    ]
    images = sum(count for count, _, _ in bins)
    if not images:
        return _Sureness(0, None, None, 0.0)
    return _Sureness(
        images,
        sum(count * confidence for count, confidence, _ in bins) / images,
        sum(count * accuracy for count, _, accuracy in bins) / images,
        sqrt(sum(count * confidence * (1 - confidence) for count, confidence, _ in bins)) / images,
    )


def _verdict(label: str, found: _Sureness, words: Words) -> str:
    if found.confidence is None or found.accuracy is None:
        return words.pick(f"“{label}” gave no finite numbers.", f"« {label} » n'a pas donné de nombres finis.")
    images, excess = words.integer(found.images), found.confidence - found.accuracy
    if abs(excess) <= CLEAR_OF_LUCK * found.luck:
        said = words.pick(
            f"“{label}” is as sure as it is right, as far as {images} images tell",
            f"« {label} » est aussi sûr de lui qu'il est exact, pour autant que {images} images le disent",
        )
    elif excess > 0:
        said = words.pick(f"“{label}” is surer than it is right", f"« {label} » est trop sûr de lui")
    else:
        said = words.pick(f"“{label}” is less sure than it is right", f"« {label} » n'est pas assez sûr de lui")
    confidence, accuracy = words.percent(found.confidence), words.percent(found.accuracy)
    return words.pick(
        f"{said}: its mean confidence is {confidence}, its accuracy {accuracy}.",
        f"{said} : sa confiance moyenne est de {confidence}, son exactitude de {accuracy}.",
    )


def _temperature(found: FittedTemperature, words: Words) -> str:
    said = words.decimal(found.value, 2)
    if found.value is None or not found.at_bound:
        return said
    return f"{'≤' if found.value < 1 else '≥'} {said}"


def _points(found: Calibration) -> list[tuple[float, float | None]]:
    return [
        (each.confidence, each.accuracy)
        for each in found.bins
        if each.confidence is not None and each.count >= FEWEST_IMAGES
    ]
