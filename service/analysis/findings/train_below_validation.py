"""Training looks worse than validation, which is no mistake: it is measured under other conditions.

Dropout silences units in training alone (Srivastava et al., JMLR 15, 2014), augmentation makes training images harder,
and training figures are means over the epoch while the network improves, whereas validation comes after it.
"""

from service.analysis.findings._curves import Curves, median, slope
from service.analysis.findings._facts import Facts
from service.analysis.words import Quantity, number, percent, points, remark
from service.domain.curves import Finding, Severity

FEWEST_EPOCHS = 3
LOSS = 0.10
"""Of the validation loss: so much is the training loss above it, and"""
LOSS_OF_CHANCE = 0.005
"""of the loss of guessing."""
ACCURACY = 0.005
"""Validation accuracy above training accuracy."""
FALLING = 0.02
"""Of the training loss, an epoch: where it falls so fast, a mean over the epoch lags behind."""
SILENT_AFTER = ("divergence", "learning_rate_too_high", "learning_rate_too_low")


def find(curves: Curves, facts: Facts) -> Finding | None:
    """A remark over the second half of the run, where it is so and a reason is known."""
    seen = curves.finite
    if len(seen) < FEWEST_EPOCHS:
        return None
    later = seen.last(max(3, len(seen) // 2))
    train_loss, val_loss = median(later.train_loss), median(later.val_loss)
    train_accuracy, val_accuracy = median(later.train_accuracy), median(later.val_accuracy)
    excess = median(later.train_loss - later.val_loss)
    lead = median(later.val_accuracy - later.train_accuracy)
    if excess < max(LOSS * val_loss, LOSS_OF_CHANCE * facts.chance_loss) or lead < ACCURACY:
        return None
    pace = -slope(later.train_loss) / train_loss if train_loss > 0 else 0.0
    causes = _causes(facts, lags=pace >= FALLING)
    if not causes:
        return None
    english, french = [each.en for each in causes.values()], [each.fr for each in causes.values()]
    return Finding(
        kind="train_below_validation",
        severity=Severity.INFO,
        epochs=later.span,
        evidence={
            "causes": ", ".join(causes),
            "dropout": facts.dropout,
            "train_loss": train_loss,
            "val_loss": val_loss,
            "train_accuracy": train_accuracy,
            "val_accuracy": val_accuracy,
            "relative_fall_per_epoch": pace,
            "threshold_loss": max(LOSS * val_loss, LOSS_OF_CHANCE * facts.chance_loss),
            "threshold_accuracy": ACCURACY,
            "threshold_relative_fall_per_epoch": FALLING,
        },
        text=remark(
            en="Training accuracy ({training}) is {lead} below validation accuracy ({validation}), and the"
            " training loss ({train_loss}) above the validation loss ({val_loss}). This is no mistake: {reasons}.",
            fr="L'exactitude à l'apprentissage ({training}) est de {lead} sous celle de validation"
            " ({validation}), et la perte d'apprentissage ({train_loss}) au-dessus de la perte de validation"
            " ({val_loss}). Ce n'est pas une erreur : {reasons}.",
            training=percent(train_accuracy),
            validation=percent(val_accuracy),
            lead=points(lead),
            train_loss=number(train_loss),
            val_loss=number(val_loss),
            reasons=Quantity("; ".join(english), " ; ".join(french)),
        ),
    )


def _causes(facts: Facts, *, lags: bool) -> dict[str, Quantity]:
    """Name and reason of each that the run has."""
    found = {}
    if facts.dropout:
        share = percent(facts.dropout)
        found["dropout"] = Quantity(
            f"dropout silences {share.en} of the units in training and none in validation",
            f"le dropout éteint {share.fr} des neurones pendant l'apprentissage et aucun en validation",
        )
    if facts.augmentation:
        names = ", ".join(facts.augmentation)
        found["augmentation"] = Quantity(
            f"augmentation ({names}) makes the training images harder than those of validation",
            f"l'augmentation ({names}) rend les images d'apprentissage plus difficiles que celles de validation",
        )
    if lags:
        found["mean over the epoch"] = Quantity(
            "training figures are means over the epoch, in which the network still improves, and validation comes"
            " after",
            "les valeurs d'apprentissage sont des moyennes sur l'époque, pendant laquelle le réseau progresse encore,"
            " et la validation vient après",
        )
    return found
