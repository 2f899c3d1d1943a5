"""The loss falls steadily but hardly: at this pace the run would take many times as long.

Bengio, Practical recommendations for gradient-based training, arXiv:1206.5533, section 3.1.1: the learning rate is the
first thing to look at, and too low a one shows as a training loss that descends evenly and far too slowly.
"""

from service.analysis.findings._curves import Curves, falling, median, noise, slope
from service.analysis.findings._facts import Facts
from service.analysis.words import count, number, percent, remark
from service.domain.curves import Finding, Severity

FEWEST_EPOCHS = 3
LEFT = 0.5
"""Of what guessing has above the lowest possible loss: so much is still to be learnt at the end."""
STEADY = 0.9
"""Share of all pairs of epochs of which the later is lower."""
PACE = 0.05
"""Of what is left, an epoch."""
STILL = 1e-3
"""Of the loss of guessing: a loss that has moved less, and as evenly, has not moved."""
LONGEST = 1_000_000
"""Epochs; a forecast beyond it says nothing more."""


def find(curves: Curves, facts: Facts) -> Finding | None:
    """A warning over the whole run."""
    seen = curves.finite
    if len(seen) < FEWEST_EPOCHS:
        return None
    scale = facts.chance_loss - facts.lowest_loss
    first, last = float(seen.train_loss[0]), float(seen.train_loss[-1])
    left = last - facts.lowest_loss
    pace = -slope(seen.train_loss[len(seen) // 2 :]) / left if left > 0 else 1.0
    steady = falling(seen.train_loss)
    moves_not = (
        abs(first - last) < STILL * facts.chance_loss and noise(seen.train_loss) < STILL * facts.chance_loss / 10
    )
    if left < LEFT * scale or not (moves_not or (steady >= STEADY and 0 < pace < PACE)):
        return None
    halving = min(round(0.5 / pace), LONGEST) if pace > 0.5 / LONGEST else LONGEST
    rate = median(seen.learning_rate)
    sigmoid = facts.activation == "sigmoid"
    return Finding(
        kind="learning_rate_too_low",
        severity=Severity.WARNING,
        epochs=seen.span,
        evidence={
            "learning_rate": rate,
            "train_loss_first": first,
            "train_loss_last": last,
            "chance_loss": facts.chance_loss,
            "lowest_possible_loss": facts.lowest_loss,
            "relative_fall_per_epoch": pace,
            "epochs_to_halve_the_loss": halving,
            "share_of_pairs_that_fall": steady,
            "threshold_relative_fall_per_epoch": PACE,
            "threshold_loss_left": facts.lowest_loss + LEFT * scale,
        },
        text=remark(
            en="The learning rate of {rate} is probably too low: in {epochs} epochs the training loss only goes from"
            " {first} to {last}, {pace} of what is left an epoch at the end; to halve it would take some {halving}"
            " epochs more.{also}",
            fr="Le taux d'apprentissage de {rate} est sans doute trop faible : en {epochs} époques, la perte"
            " d'apprentissage passe seulement de {first} à {last}, soit à la fin {pace} du reste par époque ; il"
            " faudrait encore quelque {halving} époques pour la réduire de moitié.{also_fr}",
            rate=number(rate),
            epochs=count(len(seen)),
            first=number(first),
            last=number(last),
            pace=percent(max(pace, 0.0)),
            halving=count(halving),
            also=" Sigmoids, whose gradient is at most 1/4, have the same effect in several layers." if sigmoid else "",
            also_fr=" Des sigmoïdes en plusieurs couches, dont le gradient ne dépasse pas 1/4, ont le même effet."
            if sigmoid
            else "",
        ),
    )
