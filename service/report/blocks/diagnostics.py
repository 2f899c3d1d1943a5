"""Saturation, dead units, gradients and updates inside the networks."""

from collections.abc import Iterator
from statistics import median

from service import diagnostics
from service.domain.diagnostics import DiagnosticsPage
from service.domain.lab import Text
from service.report import curl, svg
from service.report.parts import Chart, Paragraph, Part, Table
from service.report.svg import Line, Panel
from service.report.view import View

TITLE = Text(en="Inside, while they learn", fr="À l'intérieur, pendant l'apprentissage")


def build(view: View) -> Iterator[Part]:
    """The first and the last layer's gradient over the epochs, and every layer after the last one."""
    words = view.words
    with view.sources.database.reading() as session:
        asked = [(label, diagnostics.of(session, each.id)) for label, each in view.representatives()]
    pages = [(label, page) for label, page in asked if page.items]
    if not pages:
        yield Paragraph(
            words.pick("There was no look inside these runs.", "Ces essais n'ont pas été observés."), "problem"
        )
        return
    rows = [
        (
            label,
            layer.name,
            words.percent(layer.saturated_share, 1),
            words.percent(layer.dead_share, 1),
            words.compact(layer.gradient_norm),
            words.compact(_typical_update(page, place), 2),
        )
        for label, page in pages
        for place, layer in enumerate(page.items[-1].layers)
    ]
    yield Table(
        head=(
            words.pick("network", "réseau"),
            words.pick("layer", "couche"),
            words.pick("saturated", "saturées"),
            words.pick("dead units", "unités mortes"),
            words.pick("gradient norm", "norme du gradient"),
            words.pick("update ratio, median", "mise à jour relative, médiane"),
        ),
        rows=rows,
        align="llrrrr",
        caption=words.pick(
            f"After the last epoch, on {pages[0][1].probe_images} training images; the update ratio is the median over "
            "the epochs, as a step that falls to zero moves nothing at the end.",
            f"Après la dernière époque, sur {pages[0][1].probe_images} images d'apprentissage ; la mise à jour "
            "relative est la médiane sur les époques, car un pas qui tend vers zéro ne déplace plus rien à la fin.",
        ),
    )
    colours = svg.colours(len(pages))
    panels = [
        _panel(pages, colours, layer, words.pick(en, fr), words.pick("epoch", "époque"))
        for layer, en, fr in (
            (0, "Gradient norm, first layer", "Norme du gradient, première couche"),
            (-1, "Gradient norm, last layer", "Norme du gradient, dernière couche"),
        )
    ]
    legend = [(label, colour, False) for (label, _), colour in zip(pages, colours, strict=True)]
    yield Chart(svg.draw(panels, legend, number=words.compact))


def calls(view: View) -> Iterator[str]:
    """Of the same runs side by side."""
    ids = [each.id for _, each in view.representatives()]
    yield curl.get(f"/v1/diagnostics?ids={','.join(ids)}")


def _typical_update(page: DiagnosticsPage, layer: int) -> float | None:
    found = [ratio for look in page.items if (ratio := look.layers[layer].update_ratio) is not None]
    return median(found) if found else None


def _panel(pages: list[tuple[str, DiagnosticsPage]], colours: list[str], layer: int, heading: str, x: str) -> Panel:
    lines = [
        Line([(look.epoch, look.layers[layer].gradient_norm) for look in page.items], colour)
        for (_, page), colour in zip(pages, colours, strict=True)
    ]
    return Panel(heading, lines, x, logarithmic=(False, True))
