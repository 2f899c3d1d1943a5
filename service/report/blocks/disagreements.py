"""Test images that the networks read differently."""

from collections.abc import Iterator

from service import disagreements
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Picture, Pictures
from service.report.view import View

TITLE = Text(en="Where they disagree", fr="Là où ils divergent")
SHOWN, MOST_RUNS = 12, 4


def build(view: View) -> Iterator[Part]:
    """The first finished run of each network, the widest margin first."""
    words = view.words
    shown = [*view.representatives()][:MOST_RUNS]
    if len(shown) < 2:
        yield Paragraph(words.pick("It takes two finished runs.", "Il faut deux essais terminés."), role="problem")
        return
    runs = [view.sources.evidence(each) for _, each in shown]
    found = disagreements.between(runs, view.sources.settings, only=None, limit=SHOWN)
    names = " | ".join(label for label, _ in shown)
    total, images = words.integer(found.total), words.integer(found.images)
    yield Pictures(
        [
            Picture(
                each.image,
                f"{found.labels[each.label]} → " + " | ".join(found.labels[read.prediction] for read in each.readings),
                words.pick(f"test image {each.index}", f"image de test {each.index}"),
            )
            for each in found.items
        ],
        caption=words.pick(
            f"What it is → what is read by {names}: {total} of {images} test images.",
            f"Ce que c'est → ce que lisent {names} : {total} des {images} images de test.",
        ),
    )


def calls(view: View) -> Iterator[str]:
    """With McNemar's test of each pair."""
    ids = [each.id for _, each in view.representatives()][:MOST_RUNS]
    yield curl.get(f"/v1/disagreements?ids={','.join(ids)}")
