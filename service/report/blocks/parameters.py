"""Dense against convolutional: parameters of networks with as many layers."""

from collections.abc import Iterator

from service.domain.lab import Text
from service.domain.ledger import Ledger
from service.domain.record import Record
from service.report import curl, networks
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.report.words import Words

TITLE = Text(en="Dense and convolutional, side by side", fr="Dense et convolutif, côte à côte")

SIZES = (("channels", "channels", "canaux"), ("hidden", "hidden", "couches cachées"))


def build(view: View) -> Iterator[Part]:
    """Each network of the question, and the one of the other kind that stands beside it."""
    words = view.words
    rows, said = [], []
    for shown in view.runs.values():
        for each in shown.experiments[:1]:
            own, other = networks.ledger(each.spec), networks.counterpart(each.spec)
            rows.append(_row(shown.label, each.spec.architecture, own, words))
            if other is None:
                continue
            kind = words.pick(
                "a dense one beside it" if other.kind == "dense" else "a convolutional one beside it",
                "un réseau dense en regard" if other.kind == "dense" else "un réseau convolutif en regard",
            )
            rows.append(_row(f"↳ {kind}", other.architecture, other.ledger, words))
            said.append(
                words.pick(
                    f"{shown.label}: with {len(own.weighted)} layers that have weights, the dense network has "
                    f"{words.times(other.parameter_ratio)} times the parameters of the convolutional one, and "
                    f"{words.times(other.multiply_accumulate_ratio)} times its multiplications.",
                    f"{shown.label} : à {len(own.weighted)} couches à poids, le réseau dense a "
                    f"{words.times(other.parameter_ratio)} fois les paramètres du réseau convolutif, et "
                    f"{words.times(other.multiply_accumulate_ratio)} fois ses multiplications.",
                )
            )
    yield Table(
        head=(
            words.pick("network", "réseau"),
            words.pick("architecture", "architecture"),
            words.pick("layers with weights", "couches à poids"),
            words.pick("parameters", "paramètres"),
            words.pick("multiplications an image", "multiplications par image"),
        ),
        rows=rows,
        align="llrrr",
    )
    for text in said:
        yield Paragraph(text, role="verdict")
    if said:
        yield Paragraph(
            words.pick(
                "Beside a convolutional network stands the dense one that passes on as many numbers from layer to "
                "layer, or a fraction of them where that would be too many parameters; beside a dense one, the network "
                "that has a 3 × 3 convolution with maximum pooling for each hidden layer.",
                "En regard d'un réseau convolutif, le réseau dense transmet autant de nombres d'une couche à l'autre, "
                "ou une fraction de ceux-ci si cela fait trop de paramètres ; en regard d'un réseau dense, le réseau "
                "convolutif a, pour chaque couche cachée, une convolution 3 × 3 suivie d'un max-pooling.",
            ),
            role="note",
        )


def calls(view: View) -> Iterator[str]:
    """The counterpart is in the answer."""
    for shown in view.runs.values():
        for each in shown.experiments[:1]:
            yield curl.get(f"/v1/experiments/{each.id}/model")


def _row(label: str, architecture: Record, ledger: Ledger, words: Words) -> tuple[str, ...]:
    sizes = [f"{words.pick(en, fr)} {_listed(getattr(architecture, field))}" for field, en, fr in SIZES
             if getattr(architecture, field, None)]  # fmt: skip
    name = str(getattr(architecture, "name", ""))
    return (
        label,
        ", ".join([name, *sizes]),
        str(len(ledger.weighted)),
        words.integer(ledger.parameters),
        words.integer(ledger.multiply_accumulates),
    )


def _listed(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes))
