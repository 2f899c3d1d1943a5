"""The images that a network is most wrong about."""

from collections.abc import Iterator

from service import judgement
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Picture, Pictures
from service.report.view import View

TITLE = Text(en="The worst mistakes", fr="Les pires erreurs")
SHOWN = 16


def build(view: View) -> Iterator[Part]:
    """On the test split, the largest loss first."""
    words = view.words
    for label, experiment in view.representatives():
        evidence = view.sources.evidence(experiment)
        found = judgement.worst(evidence, view.sources.settings, "test", label=None, prediction=None, limit=SHOWN)
        if not found.items:
            yield Paragraph(
                words.pick(f"{label} reads every test image right.", f"{label} lit toutes les images de test.")
            )
            continue
        items = [
            Picture(
                each.image,
                f"{found.labels[each.label]} → {found.labels[each.prediction]}, {words.percent(each.confidence, 0)}",
                words.pick(f"test image {each.index}", f"image de test {each.index}"),
            )
            for each in found.items
        ]
        total, images = words.integer(found.total), words.integer(found.images)
        yield Pictures(
            items,
            caption=words.pick(
                f"{label}: {len(items)} of {total} mistakes on {images} test images; what it is, what was read, how "
                "surely.",
                f"{label} : {len(items)} erreurs sur {total}, pour {images} images de test ; ce que c'est, ce qui est "
                "lu, avec quelle confiance.",
            ),
        )


def calls(view: View) -> Iterator[str]:
    """As a contact sheet."""
    for _, experiment in view.representatives():
        yield curl.saved(f"/v1/experiments/{experiment.id}/mistakes.png?limit={SHOWN}", "mistakes.png")
