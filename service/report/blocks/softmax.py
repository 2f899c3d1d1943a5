"""Why softmax and not a maximum: one image from its logits to the gradients."""

from collections.abc import Iterator

from service import judgement
from service.analysis import mistakes
from service.domain.experiment import Experiment
from service.domain.lab import Text
from service.report import curl
from service.report.parts import Paragraph, Part, Picture, Pictures, Table
from service.report.view import View
from service.report.words import Words

TITLE = Text(en="One image, from logits to gradients", fr="Une image, des logits aux gradients")
COLD, WARM = 0.1, 5.0


def build(view: View) -> Iterator[Part]:
    """The test image that the network is most wrong about, or else the first."""
    words = view.words
    for label, experiment in view.representatives():
        index = _index(view, experiment)
        found, colder, warmer = (
            judgement.softmax_of(
                view.sources.evidence(experiment),
                view.sources.settings,
                "test",
                index,
                temperature=temperature,
                of_class=None,
            )
            for temperature in (1.0, COLD, WARM)
        )
        truth, read = found.labels[found.label], found.labels[found.prediction]
        caption = words.pick(f"{truth}, read as {read}", f"{truth}, lu {read}")
        yield Pictures([Picture(found.image, caption, caption)], side=96, caption=label)
        yield Table(
            head=(
                words.pick("class", "classe"),
                words.pick("logit", "logit"),
                words.pick("hard maximum", "maximum strict"),
                _at(COLD, words),
                "softmax",
                _at(WARM, words),
                words.pick("gradient of the cross-entropy", "gradient de l'entropie croisée"),
                words.pick("gradient of the maximum", "gradient du maximum"),
            ),
            rows=[
                (
                    name,
                    words.decimal(found.logits[place], 3),
                    str(found.hard_maximum[place]),
                    words.decimal(colder.softmax[place], 4),
                    words.decimal(found.softmax[place], 4),
                    words.decimal(warmer.softmax[place], 4),
                    words.decimal(found.gradients.cross_entropy[place], 4),
                    words.compact(found.gradients.hard_maximum[place]),
                )
                for place, name in enumerate(found.labels)
            ],
            align="lrrrrrrr",
        )
        yield Paragraph(words.of(found.remark), role="verdict")


def calls(view: View) -> Iterator[str]:
    """Of the same image."""
    for _, experiment in view.representatives():
        path = f"/v1/experiments/{experiment.id}/softmax?index={_index(view, experiment)}"
        yield curl.get(path)
        for temperature in (COLD, WARM):
            yield curl.get(f"{path}&temperature={temperature:g}")


def _at(temperature: float, words: Words) -> str:
    degrees = words.compact(temperature)
    return words.pick(f"softmax at temperature {degrees}", f"softmax à la température {degrees}")


def _index(view: View, experiment: Experiment) -> int:
    test = view.sources.evidence(experiment).of("test")
    worst = mistakes.worst_first(test.logits, test.labels, label=None, prediction=None)
    return int(test.indices[worst[0]]) if len(worst) else int(test.indices[0])
