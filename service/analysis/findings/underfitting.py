"""Training itself has come to rest with many images wrong, and validation is no worse: the network is too weak.

Goodfellow, Bengio and Courville, Deep Learning (2016), section 5.2: underfitting is a training error that cannot be
made low. In the lab it is what a perceptron shows, and a stack of layers without a nonlinearity.
"""

from service.analysis.findings._curves import Curves, median, slope
from service.analysis.findings._facts import Facts
from service.analysis.words import Quantity, number, percent, remark
from service.domain.curves import Finding, Severity

FEWEST_EPOCHS = 5
ACCURACY = 0.95
"""Training below it, and validation too, leaves much to learn."""
AT_REST = 0.05
"""Of the training loss: if it falls by less over the last third of the run, it has come to rest."""
GAP = 0.02
"""Training above validation by more is another matter."""
CLEAR_OF_CHANCE = 2.0
"""Standard errors of an accuracy on so many validation images, which widen the gap allowed."""
CHANCE_ACCURACY = 0.05
"""So near to guessing, nothing has been learnt."""
SILENT_AFTER = ("divergence", "learning_rate_too_high", "learning_rate_too_low", "overfitting")


def find(curves: Curves, facts: Facts) -> Finding | None:
    """A warning over the epochs at rest."""
    seen = curves.finite
    if len(seen) < FEWEST_EPOCHS:
        return None
    end = seen.last(max(3, len(seen) // 3))
    training, validation, loss = median(end.train_accuracy), median(end.val_accuracy), median(end.train_loss)
    fall = -slope(end.train_loss) * (len(end) - 1) / loss if loss > 0 else 1.0
    gap = max(GAP, CLEAR_OF_CHANCE * facts.standard_error(validation))
    if max(training, validation) >= ACCURACY or fall >= AT_REST or training - validation > gap:
        return None
    why = _why(facts, at_chance=training < facts.chance_accuracy + CHANCE_ACCURACY)
    return Finding(
        kind="underfitting",
        severity=Severity.WARNING,
        epochs=end.span,
        evidence={
            "train_accuracy": training,
            "val_accuracy": validation,
            "train_loss": loss,
            "relative_fall": fall,
            "chance_accuracy": facts.chance_accuracy,
            "threshold_accuracy": ACCURACY,
            "threshold_relative_fall": AT_REST,
            "threshold_gap": gap,
        },
        text=remark(
            en="Underfitting: the training loss has come to rest at {loss} (it changes by {change} from epoch {first}"
            " to {last}) with a training accuracy of only {training}, validation {validation}; {why}",
            fr="Sous-apprentissage : la perte d'apprentissage s'est stabilisée à {loss} (elle varie de {change} de"
            " l'époque {first} à l'époque {last}), avec une exactitude de {training} seulement à l'apprentissage et de"
            " {validation} en validation ; {why}",
            loss=number(loss),
            change=percent(abs(fall)),
            first=end.span[0],
            last=end.span[1],
            training=percent(training),
            validation=percent(validation),
            why=why,
        ),
    )


def _why(facts: Facts, *, at_chance: bool) -> Quantity:
    if not at_chance:
        return Quantity(
            "a network with more units, more layers or a nonlinearity may do better.",
            "un réseau avec plus de neurones, plus de couches ou une non-linéarité peut faire mieux.",
        )
    chance = percent(facts.chance_accuracy)
    why = f"guessing would give {chance.en}: nothing has been learnt."
    why_fr = f"le hasard donnerait {chance.fr} : rien n'a été appris."
    if facts.activation != "sigmoid":
        return Quantity(why, why_fr)
    return Quantity(
        f"{why} Through several sigmoids, whose gradient is at most 1/4, hardly any gradient is left.",
        f"{why_fr} À travers plusieurs sigmoïdes, dont le gradient ne dépasse pas 1/4, il ne reste presque rien du"
        " gradient.",
    )
