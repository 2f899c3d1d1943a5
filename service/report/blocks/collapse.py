"""What hidden layers add: the one affine map that linear layers are, and the linear map nearest to any other."""

from collections.abc import Iterator
from functools import partial

from service.domain.lab import Text
from service.domain.linearity import LinearCollapse, LinearFit
from service.report import curl, networks
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.report.words import Words

TITLE = Text(en="What the hidden layers add", fr="Ce qu'apportent les couches cachées")


def build(view: View) -> Iterator[Part]:
    """Measured on the test images with the best weights."""
    words = view.words
    collapsed: list[tuple[str, ...]] = []
    fitted: list[tuple[str, ...]] = []
    said: list[Paragraph] = []
    for label, experiment in view.representatives():
        found = view.sources.linearities.of_evidence(
            partial(view.sources.evidence, experiment), networks.ledger(experiment.spec)
        )
        if found.linear_collapse is not None:
            collapsed.append(_collapsed(label, found.linear_collapse, words))
            if found.linear_collapse.layers > 1:
                said.append(Paragraph(_one_map(label, found.linear_collapse, words), role="verdict"))
        elif found.linear_fit is not None:
            fitted.append(_fitted(label, found.linear_fit, words))
        else:
            said.append(Paragraph(f"{label}{words.colon()} {found.reason}", role="problem"))
    if collapsed:
        yield _collapse_table(collapsed, words)
    if fitted:
        yield _fit_table(fitted, words)
    yield from said
    if not (collapsed or fitted or said):
        yield Paragraph(words.pick("No run is finished.", "Aucun essai n'est terminé."), role="problem")


def calls(view: View) -> Iterator[str]:
    """In `linear_collapse` and `linear_fit`."""
    for _, experiment in view.representatives():
        yield curl.get(f"/v1/experiments/{experiment.id}/model")


def _one_map(label: str, found: LinearCollapse, words: Words) -> str:
    return words.pick(
        f"{label}: its {found.layers} layers are one affine map. Of {words.integer(found.declared_parameters)} "
        f"declared parameters {words.integer(found.effective_parameters)} are effective ({found.formula}); "
        f"multiplied out, the map gives the network's logits on all {words.integer(found.images)} test images up to "
        f"{words.compact(found.largest_difference)}"
        + (", which is rounding." if found.is_rounding else ", which is more than rounding."),
        f"{label} : ses {found.layers} couches sont une seule application affine. Sur "
        f"{words.integer(found.declared_parameters)} paramètres déclarés, {words.integer(found.effective_parameters)} "
        f"sont effectifs ({found.formula}) ; une fois les couches multipliées, l'application redonne les logits du "
        f"réseau sur les {words.integer(found.images)} images de test à {words.compact(found.largest_difference)} près"
        + (", ce qui est de l'arrondi." if found.is_rounding else ", ce qui dépasse l'arrondi."),
    )


def _collapse_table(rows: list[tuple[str, ...]], words: Words) -> Table:
    return Table(
        head=(
            words.pick("affine network", "réseau affine"),
            words.pick("layers", "couches"),
            words.pick("declared parameters", "paramètres déclarés"),
            words.pick("effective", "effectifs"),
            words.pick("rank", "rang"),
            words.pick("largest difference of logits", "plus grand écart des logits"),
        ),
        rows=rows,
        align="lrrrrr",
    )


def _collapsed(label: str, found: LinearCollapse, words: Words) -> tuple[str, ...]:
    return (
        label,
        str(found.layers),
        words.integer(found.declared_parameters),
        words.integer(found.effective_parameters),
        str(found.rank),
        words.compact(found.largest_difference),
    )


def _fit_table(rows: list[tuple[str, ...]], words: Words) -> Table:
    return Table(
        head=(
            words.pick("other network", "autre réseau"),
            words.pick("its accuracy", "son exactitude"),
            words.pick("of its best linear fit", "celle de son meilleur ajustement linéaire"),
            words.pick("points lost", "points perdus"),
            words.pick("R² of the logits", "R² des logits"),
        ),
        rows=rows,
        align="lrrrr",
    )


def _fitted(label: str, found: LinearFit, words: Words) -> tuple[str, ...]:
    return (
        label,
        words.percent(found.network_accuracy),
        words.percent(found.accuracy),
        words.decimal(100 * found.accuracy_lost, 2),
        words.decimal(found.r2, 3),
    )
