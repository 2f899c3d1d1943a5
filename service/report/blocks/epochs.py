"""The output of a run, epoch by epoch, and how to read it."""

from collections.abc import Iterator

from service import datasets
from service.analysis import train_sizes
from service.domain.lab import Text
from service.domain.metrics import EpochMetrics
from service.report import curl
from service.report.parts import Paragraph, Part, Table
from service.report.view import View
from service.report.words import Words
from service.storage import metrics

TITLE = Text(en="Its output, line by line", fr="Sa sortie, ligne par ligne")
SHOWN = 20


def build(view: View) -> Iterator[Part]:
    """What the example prints, as the service keeps it."""
    words = view.words
    for label, experiment in view.representatives():
        with view.sources.database.reading() as session:
            rows = metrics.epochs(session, experiment.id)
        yield Table(
            head=(
                words.pick("epoch", "époque"),
                words.pick("training loss", "perte, apprentissage"),
                words.pick("training accuracy", "exactitude, apprentissage"),
                words.pick("validation loss", "perte, validation"),
                words.pick("validation accuracy", "exactitude, validation"),
                words.pick("learning rate", "taux d'apprentissage"),
                words.pick("images a second", "images par seconde"),
            ),
            rows=[_row(each, words) for each in rows[:SHOWN]],
            align="rrrrrrr",
            caption=label,
        )
        choice = experiment.spec.dataset
        images = datasets.facts(choice.name)
        learnt, held, tested = (
            words.integer(each)
            for each in (train_sizes.size(experiment), images.train_images - choice.most_images, images.test_images)
        )
        yield Paragraph(
            words.pick(
                f"Training figures are of {learnt} images of {choice.name}, those of validation of {held} others of "
                f"the same split, those of the test of its {tested} test images.",
                f"Les valeurs d'apprentissage portent sur {learnt} images de {choice.name}, celles de validation sur "
                f"{held} autres du même ensemble, celles de test sur ses {tested} images de test.",
            ),
            role="note",
        )
        if experiment.test is not None and experiment.best is not None:
            yield Paragraph(
                words.pick(
                    f"Test, once, with the weights of epoch {experiment.best.epoch}: loss "
                    f"{words.decimal(experiment.test.loss)}, accuracy {words.percent(experiment.test.accuracy)}.",
                    f"Test, une seule fois, avec les poids de l'époque {experiment.best.epoch} : perte "
                    f"{words.decimal(experiment.test.loss)}, exactitude {words.percent(experiment.test.accuracy)}.",
                ),
                role="verdict",
            )


def calls(view: View) -> Iterator[str]:
    """As JSON; `format=csv` gives a table."""
    for _, experiment in view.representatives():
        yield curl.get(f"/v1/experiments/{experiment.id}/metrics")


def _row(row: EpochMetrics, words: Words) -> tuple[str, ...]:
    return (
        str(row.epoch),
        words.decimal(row.train_loss),
        words.percent(row.train_accuracy),
        words.decimal(row.val_loss),
        words.percent(row.val_accuracy),
        words.compact(row.learning_rate),
        words.integer(round(row.samples_per_second)),
    )
