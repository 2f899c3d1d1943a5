"""The run has ended while validation was still getting better.

Prechelt, "Early stopping - but when?" (1998): slower stopping criteria buy better generalisation for as long as
training progresses. A learning rate that a schedule has brought to nothing has ended the progress on purpose.
"""

from service.analysis.findings._curves import Curves, falling, noise, slope
from service.analysis.findings._facts import Facts
from service.analysis.words import count, number, percent, remark
from service.domain.curves import Finding, Severity
from service.domain.experiment import State

FEWEST_EPOCHS = 3
FALL = 0.10
"""Of the validation loss, over the last third of the run, and"""
LAST_FALL = 0.02
"""of it, an epoch."""
FALL_OF_CHANCE = 0.01
"""Of the loss of guessing: a smaller fall is no reason to go on."""
STEADY = 0.75
"""Share of the pairs of epochs in that third of which the later is lower."""
CLEAR_OF_NOISE = 2.0
"""Standard deviations of the validation loss from epoch to epoch."""
ANNEALED = 0.1
"""Of its highest: a learning rate below it has ended its descent."""
SILENT_AFTER = ("divergence", "learning_rate_too_high", "learning_rate_too_low", "overfitting")


def find(curves: Curves, facts: Facts) -> Finding | None:
    """A warning over the last third, at least three epochs, of a run that is completed or cancelled."""
    seen = curves.finite
    if len(seen) < FEWEST_EPOCHS or facts.state not in {State.COMPLETED, State.CANCELLED}:
        return None
    end = seen.last(max(3, len(seen) // 3))
    rate = float(seen.learning_rate[-1])
    last = float(end.val_loss[-1])
    pace = -slope(end.val_loss)
    fall = pace * (len(end) - 1)
    least = max(FALL * last, FALL_OF_CHANCE * facts.chance_loss, CLEAR_OF_NOISE * noise(seen.val_loss))
    if rate < ANNEALED * float(seen.learning_rate.max()) or last <= 0:
        return None
    if fall < least or pace < LAST_FALL * last or falling(end.val_loss) < STEADY:
        return None
    cancelled = facts.state is State.CANCELLED
    return Finding(
        kind="stopped_too_early",
        severity=Severity.WARNING,
        epochs=end.span,
        evidence={
            "val_loss_then": float(end.val_loss[0]),
            "val_loss_last": last,
            "fall_per_epoch": pace,
            "relative_fall_per_epoch": pace / last,
            "val_accuracy_last": float(end.val_accuracy[-1]),
            "share_of_pairs_that_fall": falling(end.val_loss),
            "learning_rate_last": rate,
            "threshold_fall": least,
            "threshold_relative_fall_per_epoch": LAST_FALL,
        },
        text=remark(
            en="{stopped} after {epochs} epochs: from epoch {first} to {last} the validation loss still falls from"
            " {then} to {now}, by {pace} an epoch ({share}). {advice}",
            fr="{stopped_fr} après {epochs} époques : de l'époque {first} à l'époque {last}, la perte de validation"
            " baisse encore de {then} à {now}, soit de {pace} par époque ({share}). {advice_fr}",
            stopped="Cancelled too early," if cancelled else "Stopped too early,",
            stopped_fr="Annulé trop tôt," if cancelled else "Arrêté trop tôt,",
            epochs=count(len(seen)),
            first=end.span[0],
            last=end.span[1],
            then=number(float(end.val_loss[0])),
            now=number(last),
            pace=number(pace),
            share=percent(pace / last),
            advice="More epochs, or more patience of early stopping, would help."
            if facts.stops_early
            else "More epochs would help: the run can be continued.",
            advice_fr="Davantage d'époques, ou plus de patience avant l'arrêt, aideraient."
            if facts.stops_early
            else "Davantage d'époques aideraient : l'expérience peut être continuée.",
        ),
    )
