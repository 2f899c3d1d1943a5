"""The steps are so long that they throw the network about instead of downhill.

Before its first step a network guesses, so that an epoch whose mean loss is far above that of guessing has been made
worse by its steps; and a training loss that jumps, stays at chance or gives back what was won is not descending:
Goodfellow, Bengio and Courville, Deep Learning (2016), sections 8.3.1 and 11.4.1; Bengio, arXiv:1206.5533, section
3.1.1.
"""

import numpy as np

from service.analysis.findings._curves import Curves, Values, falling, median, noise
from service.analysis.findings._facts import Facts
from service.analysis.words import number, percent, remark
from service.domain.curves import Evidence, Finding, Remark, Severity

ABOVE_CHANCE = 1.5
"""Times the loss of guessing, in any epoch."""
RELAPSE = 0.25
"""Of the loss of guessing: so much lies the end above the lowest."""
CHANCE_ACCURACY = 0.05
"""So near to the accuracy of guessing is not learnt."""
RESTLESS = 0.0035
"""Of the loss of guessing: so much a loss that learns nothing moves from epoch to epoch, if the steps are long."""
THROWN = 1.1
"""Times the loss of guessing: from here a network falls back to guessing if the first steps have ruined it."""
RISES = 0.003
"""Of the loss of guessing, the mean rise from one epoch to the next, the largest left out, and"""
RISES_OF_LEVEL = 0.04
"""of the training loss itself."""
STEADY = 0.85
"""Share of all pairs of epochs: a loss that falls like this is on its way."""
FEWEST_EPOCHS = 5
FEWEST_FOR_RISES = 8


def find(curves: Curves, facts: Facts) -> Finding | None:
    """An error where the training loss is no number any more, else a warning."""
    return _not_finite(curves, facts) or _far_above_chance(curves.finite, facts) or _restless(curves.finite, facts)


def _not_finite(curves: Curves, facts: Facts) -> Finding | None:
    broken = np.flatnonzero(~np.isfinite(curves.train_loss))
    if not len(broken):
        return None
    epoch, rate = int(curves.epochs[broken[0]]), float(curves.learning_rate[broken[0]])
    text = remark(
        en="The learning rate of {rate} is probably too high: by epoch {epoch} the steps have driven the training loss"
        " beyond every finite number.",
        fr="Le taux d'apprentissage de {rate} est sans doute trop élevé : à l'époque {epoch}, les pas ont emporté la"
        " perte d'apprentissage au-delà de tout nombre fini.",
        rate=number(rate),
        epoch=epoch,
    )
    evidence: Evidence = {"first_epoch_not_finite": epoch, "learning_rate": rate, "chance_loss": facts.chance_loss}
    return Finding(
        kind="learning_rate_too_high", severity=Severity.ERROR, epochs=(epoch, epoch), evidence=evidence, text=text
    )


def _far_above_chance(seen: Curves, facts: Facts) -> Finding | None:
    above = np.flatnonzero(seen.train_loss > ABOVE_CHANCE * facts.chance_loss)
    if not len(above):
        return None
    at = int(seen.train_loss.argmax())
    highest, rate = float(seen.train_loss[at]), float(seen.learning_rate[at])
    return _finding(
        (int(seen.epochs[above[0]]), int(seen.epochs[above[-1]])),
        {
            "train_loss_highest": highest,
            "epoch_of_highest": int(seen.epochs[at]),
            "chance_loss": facts.chance_loss,
            "learning_rate": rate,
            "threshold_above_chance": ABOVE_CHANCE,
        },
        remark(
            en="The learning rate of {rate} is probably too high: the training loss reaches {highest} in epoch {epoch},"
            " though guessing alone would give {chance}; the steps overshoot.",
            fr="Le taux d'apprentissage de {rate} est sans doute trop élevé : la perte d'apprentissage atteint"
            " {highest} à l'époque {epoch}, alors que le hasard seul donnerait {chance} ; les pas dépassent le"
            " minimum.",
            rate=number(rate),
            highest=number(highest),
            epoch=int(seen.epochs[at]),
            chance=number(facts.chance_loss),
        ),
    )


def _restless(seen: Curves, facts: Facts) -> Finding | None:
    """Of losses that stay in the range of guessing: relapsed, stuck at chance, or jumping."""
    if len(seen) < FEWEST_EPOCHS:
        return None
    chance, rate = facts.chance_loss, median(seen.learning_rate)
    later = seen.since(len(seen) // 2)
    course = seen.train_course
    at = int(course.argmin())
    lowest, last, jitter = float(course[at]), median(seen.train_loss[-3:]), noise(later.train_loss)
    highest, level = float(seen.train_loss.max()), median(later.train_loss)
    rise = _mean_rise(seen.train_loss)
    evidence: Evidence = {
        "train_loss_lowest": lowest,
        "train_loss_last": last,
        "train_loss_highest": highest,
        "train_loss_noise": jitter,
        "train_loss_mean_rise": rise,
        "train_loss_level": level,
        "train_accuracy": median(later.train_accuracy),
        "chance_loss": chance,
        "chance_accuracy": facts.chance_accuracy,
        "learning_rate": rate,
    }
    if last - lowest > RELAPSE * chance:
        text = remark(
            en="The learning rate of {rate} is probably too high: the training loss was down to {lowest} at epoch"
            " {epoch} and is back at {last}.",
            fr="Le taux d'apprentissage de {rate} est sans doute trop élevé : la perte d'apprentissage était"
            " descendue à {lowest} à l'époque {epoch} ; elle est remontée à {last}.",
            rate=number(rate),
            lowest=number(lowest),
            epoch=int(seen.epochs[at]),
            last=number(last),
        )
        return _finding((int(seen.epochs[at]), seen.span[1]), evidence | {"threshold_relapse": RELAPSE * chance}, text)
    learnt_nothing = median(later.train_accuracy) < facts.chance_accuracy + CHANCE_ACCURACY
    thrown = highest > THROWN * chance and highest - last > (THROWN - 1) / 2 * chance
    restless = jitter > RESTLESS * chance and falling(later.train_loss) < STEADY
    if learnt_nothing and (thrown or restless):
        text = remark(
            en="The learning rate of {rate} is probably too high: after a highest value of {highest} the training loss"
            " stays at the {chance} of guessing, restless by {jitter} from epoch to epoch; training accuracy is"
            " {accuracy}.",
            fr="Le taux d'apprentissage de {rate} est sans doute trop élevé : après un maximum de {highest}, la perte"
            " d'apprentissage reste à celle du hasard ({chance}) et bouge de {jitter} d'une époque à l'autre ;"
            " l'exactitude à l'apprentissage est de {accuracy}.",
            rate=number(rate),
            chance=number(chance),
            highest=number(highest),
            jitter=number(jitter),
            accuracy=percent(median(later.train_accuracy)),
        )
        return _finding(
            later.span, evidence | {"threshold_noise": RESTLESS * chance, "threshold_highest": THROWN * chance}, text
        )
    threshold = max(RISES * chance, RISES_OF_LEVEL * level)
    if len(seen) >= FEWEST_FOR_RISES and rise > threshold:
        text = remark(
            en="The learning rate of {rate} may be too high: again and again the training loss rises, by {rise} an"
            " epoch in the mean, at a level of {level}, instead of falling steadily. Try a third of it, or a schedule"
            " that lowers it.",
            fr="Le taux d'apprentissage de {rate} est peut-être trop élevé : à plusieurs reprises la perte"
            " d'apprentissage remonte, de {rise} par époque en moyenne, à un niveau de {level}, au lieu de descendre"
            " régulièrement. Essayez trois fois"
            " moins, ou un taux qui décroît.",
            rate=number(rate),
            rise=number(rise),
            level=number(level),
        )
        return _finding(seen.span, evidence | {"threshold_mean_rise": threshold}, text)
    return None


def _mean_rise(loss: Values) -> float:
    """Over all epochs after the first; a fall is no rise, and the largest rise is left out: it may be a single jump."""
    rises = np.maximum(np.diff(loss), 0.0)
    return float((rises.sum() - rises.max()) / max(1, len(rises) - 1))


def _finding(epochs: tuple[int, int], evidence: Evidence, text: Remark) -> Finding:
    return Finding(
        kind="learning_rate_too_high", severity=Severity.WARNING, epochs=epochs, evidence=evidence, text=text
    )
