"""The loss is no number any more, or has climbed far above what guessing gives and does not come back.

A step that is too long for the curvature of the loss makes it larger, and the next one more so: Goodfellow, Bengio and
Courville, Deep Learning (2016), section 8.2.4 on exploding gradients and 11.4.1 on the learning rate.
"""

import numpy as np

from service.analysis.findings._curves import Curves, median, rising
from service.analysis.findings._facts import Facts
from service.analysis.words import Quantity, number, remark
from service.domain.curves import Evidence, Finding, Severity

RISE = 2.0
"""Times its lowest value."""
ABOVE_CHANCE = 1.5
"""Times the loss of guessing."""
RISING_SHARE = 0.8
FEWEST_AFTER = 3
"""Epochs after the lowest: less is a jump, not a course."""


def find(curves: Curves, facts: Facts) -> Finding | None:
    """An error, from the last good epoch on."""
    return _not_finite(curves, facts) or _climbing(curves.finite, facts)


def _not_finite(curves: Curves, facts: Facts) -> Finding | None:
    broken = np.flatnonzero(~np.isfinite(curves.train_loss) | ~np.isfinite(curves.val_loss))
    if not len(broken):
        return None
    at = int(broken[0])
    split, split_fr = (
        ("validation", "de validation") if np.isfinite(curves.train_loss[at]) else ("training", "d'apprentissage")
    )
    epoch, rate = int(curves.epochs[at]), float(curves.learning_rate[at])
    evidence: Evidence = {
        "first_epoch_not_finite": epoch,
        "series": "val_loss" if split == "validation" else "train_loss",
        "learning_rate": rate,
        "chance_loss": facts.chance_loss,
        "train_loss_before": float(curves.train_loss[at - 1]) if at else None,
    }
    when, before = Quantity("the very first epoch", "dès la première époque"), Quantity("", "")
    if at:
        loss = number(float(curves.train_loss[at - 1]))
        when = Quantity(f"epoch {epoch}", f"à l'époque {epoch}")
        before = Quantity(
            f", after a training loss of {loss.en} in the epoch before",
            f", après une perte d'apprentissage de {loss.fr} à l'époque précédente",
        )
    return Finding(
        kind="divergence",
        severity=Severity.ERROR,
        epochs=(int(curves.epochs[max(0, at - 1)]), curves.span[1]),
        evidence=evidence,
        text=remark(
            en="Training diverges: the {split} loss of {when} is no finite number{before}. The learning rate was"
            " {rate}; try a tenth of it.",
            fr="L'apprentissage diverge : {when}, la perte {split_fr} n'est plus un nombre fini{before}. Le taux"
            " d'apprentissage était de {rate} ; essayez dix fois moins.",
            split=split,
            split_fr=split_fr,
            when=when,
            before=before,
            rate=number(rate),
        ),
    )


def _climbing(seen: Curves, facts: Facts) -> Finding | None:
    if len(seen) <= FEWEST_AFTER:
        return None
    course = seen.train_course
    at = int(course.argmin())
    lowest, last = float(course[at]), median(seen.train_loss[-3:])
    after = seen.train_loss[at:]
    if len(after) <= FEWEST_AFTER or rising(after) < RISING_SHARE:
        return None
    if last < RISE * lowest or last < ABOVE_CHANCE * facts.chance_loss:
        return None
    rate = float(seen.learning_rate[-1])
    return Finding(
        kind="divergence",
        severity=Severity.ERROR,
        epochs=(int(seen.epochs[at]), seen.span[1]),
        evidence={
            "train_loss_lowest": lowest,
            "train_loss_last": last,
            "chance_loss": facts.chance_loss,
            "learning_rate": rate,
            "threshold_rise": RISE,
            "threshold_above_chance": ABOVE_CHANCE,
        },
        text=remark(
            en="Training diverges: since epoch {epoch} the training loss climbs from {lowest} to {last}, more than"
            " {rise} times as high and above the {chance} of guessing. The learning rate is {rate}; try a tenth of"
            " it.",
            fr="L'apprentissage diverge : depuis l'époque {epoch}, la perte d'apprentissage remonte de {lowest} à"
            " {last}, plus de {rise} fois plus haut, au-dessus des {chance} du hasard. Le taux d'apprentissage est de"
            " {rate} ; essayez dix fois moins.",
            epoch=int(seen.epochs[at]),
            lowest=number(lowest),
            last=number(last),
            rise=number(RISE),
            chance=number(facts.chance_loss),
            rate=number(rate),
        ),
    )
