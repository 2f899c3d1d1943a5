"""Validation gets worse while training gets better, or training leaves validation far behind.

The rise is the generalisation loss of Prechelt, "Early stopping - but when?" (1998): GL = 100 (E_va / E_opt - 1), here
of medians and only where it is clear of the noise. The gap is Goodfellow, Bengio and Courville, Deep Learning (2016),
section 5.2: training error is low, and validation error is not.
"""

import numpy as np

from service.analysis.findings._curves import Curves, median, noise, rising, slope, smooth
from service.analysis.findings._facts import Facts
from service.analysis.words import number, percent, points, remark
from service.domain.curves import Evidence, Finding, Severity

FEWEST_AFTER = 3
"""Epochs after the lowest validation loss: Prechelt's UP_3 asks for as many."""
GENERALISATION_LOSS = 0.10
"""The rise of the validation loss over its lowest; Prechelt's GL of 10."""
RISE_OF_CHANCE = 0.005
"""Of the loss of guessing: a smaller rise is no matter, however large it is beside a tiny loss."""
CLEAR_OF_NOISE = 2.0
"""Standard deviations from epoch to epoch: of the validation loss, and of a mean of gaps."""
RISING_SHARE = 0.6
"""Of all pairs of epochs since then: in so many the later validation loss is higher."""
GAP = 0.05
"""Training accuracy above validation accuracy."""
CLEAR_OF_CHANCE = 3.0
"""Standard errors of an accuracy on so many validation images."""
SILENT_AFTER = ("divergence", "learning_rate_too_high")


def find(curves: Curves, facts: Facts) -> Finding | None:
    """A warning, from the epoch on since which it is so."""
    seen = curves.finite
    if len(seen) <= FEWEST_AFTER:
        return None
    return _rise(seen, facts) or _gap(seen, facts)


def _rise(seen: Curves, facts: Facts) -> Finding | None:
    at = int(seen.val_course.argmin())
    lowest, last = median(seen.val_loss[max(0, at - 1) : at + 2]), median(seen.val_loss[-3:])
    jitter = noise(seen.val_loss)
    least = max(GENERALISATION_LOSS * lowest, RISE_OF_CHANCE * facts.chance_loss, CLEAR_OF_NOISE * jitter)
    after = seen.since(at)
    if len(after) <= FEWEST_AFTER or last - lowest < least or slope(after.train_loss) > 0:
        return None
    if rising(after.val_loss) < RISING_SHARE:
        return None
    epoch = int(seen.epochs[at])
    rise = last / lowest - 1 if lowest > 0 else 0.0
    evidence: Evidence = {
        "criterion": "validation loss rises",
        "val_loss_lowest": lowest,
        "val_loss_last": last,
        "generalisation_loss_percent": 100 * rise,
        "val_loss_noise": jitter,
        "train_loss_then": float(seen.train_loss[at]),
        "train_loss_last": float(seen.train_loss[-1]),
        "val_accuracy_then": float(seen.val_accuracy[at]),
        "val_accuracy_last": float(seen.val_accuracy[-1]),
        "threshold_rise": least,
        "threshold_rising_share": RISING_SHARE,
    }
    return Finding(
        kind="overfitting",
        severity=Severity.WARNING,
        epochs=(epoch, seen.span[1]),
        evidence=evidence,
        text=remark(
            en="Overfitting since epoch {epoch}: the validation loss rises from {lowest} to {last} (+{rise}) while the"
            " training loss goes from {train_then} to {train_last}. Validation accuracy goes from {then} to {now}.",
            fr="Surapprentissage depuis l'époque {epoch} : la perte de validation remonte de {lowest} à {last}"
            " (+{rise}) alors que la perte d'apprentissage va de {train_then} à {train_last}. L'exactitude en"
            " validation passe de {then} à {now}.",
            epoch=epoch,
            lowest=number(lowest),
            last=number(last),
            rise=percent(rise),
            train_then=number(float(seen.train_loss[at])),
            train_last=number(float(seen.train_loss[-1])),
            then=percent(float(seen.val_accuracy[at])),
            now=percent(float(seen.val_accuracy[-1])),
        ),
    )


def _gap(seen: Curves, facts: Facts) -> Finding | None:
    end = seen.last(max(3, len(seen) // 3))
    training, validation = median(end.train_accuracy), median(end.val_accuracy)
    error = facts.standard_error(validation)
    gaps = seen.train_accuracy - seen.val_accuracy
    least = max(GAP, CLEAR_OF_CHANCE * error, CLEAR_OF_NOISE * noise(gaps) / len(end) ** 0.5)
    if training - validation < least or median(end.train_loss) >= median(end.val_loss):
        return None
    closed = np.flatnonzero(smooth(gaps) < least)
    open_ = np.flatnonzero((gaps >= least) & (np.arange(len(gaps)) > (closed[-1] if len(closed) else -1)))
    since = seen.since(int(open_[0])) if len(open_) else end
    evidence: Evidence = {
        "criterion": "training leaves validation behind",
        "train_accuracy": training,
        "val_accuracy": validation,
        "gap": training - validation,
        "standard_error_of_val_accuracy": error,
        "validation_images": facts.validation_images,
        "train_loss": median(end.train_loss),
        "val_loss": median(end.val_loss),
        "threshold_gap": least,
    }
    return Finding(
        kind="overfitting",
        severity=Severity.WARNING,
        epochs=since.span,
        evidence=evidence,
        text=remark(
            en="Overfitting since epoch {epoch}: training accuracy is {training}, validation accuracy {validation},"
            " which is {gap} less (more than {least} would be chance no longer); the losses are {train_loss}"
            " and {val_loss}. More images, augmentation, dropout or a smaller network narrow this gap.",
            fr="Surapprentissage depuis l'époque {epoch} : l'exactitude est de {training} à l'apprentissage et de"
            " {validation} en validation, soit {gap} de moins (au-delà de {least}, ce n'est plus du hasard) ;"
            " les pertes sont de {train_loss} et {val_loss}. Davantage d'images, de l'augmentation, du dropout ou un"
            " réseau plus petit réduisent cet écart.",
            epoch=since.span[0],
            training=percent(training),
            validation=percent(validation),
            gap=points(training - validation),
            least=points(least),
            train_loss=number(median(end.train_loss)),
            val_loss=number(median(end.val_loss)),
        ),
    )
