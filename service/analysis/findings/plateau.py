"""Neither loss moves any more: further epochs like the last ones bring nothing.

What is measured is Prechelt's progress (Early stopping - but when?, 1998), over all the epochs since which the smoothed
losses keep within a narrow band.
"""

import numpy as np

from service.analysis.findings._curves import Curves, Values, median, noise
from service.analysis.findings._facts import Facts
from service.analysis.words import best_of, count, number, percent, remark
from service.domain.curves import Finding, Severity

FEWEST_EPOCHS = 6
"""Of the run, and"""
SHORTEST = 5
"""of the plateau, which is also at least"""
SHARE = 0.3
"""of the run."""
BAND_OF_FALL = 0.01
"""Of all that the loss has changed."""
BAND_OF_CHANCE = 0.002
"""Of the loss of guessing: a change within it is none."""
BAND_OF_NOISE = 2.0
"""Standard deviations from epoch to epoch, but"""
WIDEST_BAND = 0.02
"""of the loss of guessing at most: what jumps further does not rest."""
SILENT_AFTER = ("divergence", "learning_rate_too_high", "learning_rate_too_low", "overfitting")


def find(curves: Curves, facts: Facts) -> Finding | None:
    """A remark from the epoch on since which both losses rest."""
    seen = curves.finite
    if len(seen) < FEWEST_EPOCHS:
        return None
    train_band = _band(seen.train_loss, seen.train_course, facts)
    val_band = _band(seen.val_loss, seen.val_course, facts)
    rests = (
        _rests_from(seen.train_loss, seen.train_course, train_band),
        _rests_from(seen.val_loss, seen.val_course, val_band),
    )
    rest = seen.since(max(rests))
    if len(rest) < max(SHORTEST, SHARE * len(seen)):
        return None
    rate = float(rest.learning_rate.max())  # a schedule that ends at nothing rests because of it
    return Finding(
        kind="plateau",
        severity=Severity.INFO,
        epochs=rest.span,
        evidence={
            "epochs": len(rest),
            "train_loss": median(rest.train_loss),
            "val_loss": median(rest.val_loss),
            "val_accuracy": median(rest.val_accuracy),
            "best_epoch": None if facts.best is None else facts.best.epoch,
            "val_accuracy_best": None if facts.best is None else facts.best.val_accuracy,
            "learning_rate_highest": rate,
            "threshold_train_loss_band": train_band,
            "threshold_val_loss_band": val_band,
            "threshold_epochs": max(SHORTEST, int(np.ceil(SHARE * len(seen)))),
        },
        text=remark(
            en="A plateau since epoch {epoch}: for {epochs} epochs the training loss keeps within {train_band} of"
            " {train} and the validation loss within {val_band} of {val}; validation accuracy is"
            " {accuracy}{best}. More epochs at a learning rate of {rate} or less would hardly change it.",
            fr="Plateau depuis l'époque {epoch} : pendant {epochs} époques, la perte d'apprentissage reste à moins de"
            " {train_band} de {train} et la perte de validation à moins de {val_band} de {val} ; l'exactitude en"
            " validation est de {accuracy}{best}. D'autres époques avec un taux d'apprentissage d'au plus {rate}"
            " n'y changeraient guère.",
            epoch=rest.span[0],
            epochs=count(len(rest)),
            train_band=number(train_band),
            train=number(median(rest.train_loss)),
            val_band=number(val_band),
            val=number(median(rest.val_loss)),
            accuracy=percent(median(rest.val_accuracy)),
            best=best_of(facts.best),
            rate=number(rate),
        ),
    )


def _band(loss: Values, course: Values, facts: Facts) -> float:
    changed = float(course.max() - course.min())
    band = max(BAND_OF_FALL * changed, BAND_OF_NOISE * noise(loss[len(loss) // 2 :]))
    return min(max(band, BAND_OF_CHANCE * facts.chance_loss), WIDEST_BAND * facts.chance_loss)


def _rests_from(loss: Values, course: Values, band: float) -> int:
    moving = np.flatnonzero(np.abs(course - median(loss[-SHORTEST:])) > band)
    return int(moving[-1]) + 1 if len(moving) else 0
