"""The validation figures jump, or rest on so few images that they must: they are no ground to choose an epoch on.

The accuracy on n images has a standard error of sqrt(p (1 - p) / n): Goodfellow, Bengio and Courville, Deep Learning
(2016), section 5.4.2. What it does from epoch to epoch is measured by second differences.
"""

from service.analysis.findings._curves import Curves, median, noise
from service.analysis.findings._facts import Facts
from service.analysis.words import count, percent, points, remark
from service.domain.curves import Finding, Remark, Severity

FEWEST_EPOCHS = 6
FEWEST_FOR_JUMPS = 10
JUMPS = 0.015
"""Standard deviation of validation accuracy from epoch to epoch, which is also more than"""
STANDARD_ERRORS = 1.0
"""of an accuracy on so many images."""
FEWEST_IMAGES = 100
"""With fewer, a single image is more than a point of accuracy."""
SILENT_AFTER = ("divergence", "learning_rate_too_high", "learning_rate_too_low")


def find(curves: Curves, facts: Facts) -> Finding | None:
    """A warning over the second half of the run, where the curve should be calm, or over all where images are few."""
    seen = curves.finite
    if len(seen) < FEWEST_EPOCHS:
        return None
    later = seen.last(max(6, len(seen) // 2))
    few = facts.validation_images < FEWEST_IMAGES
    accuracy, jumps = median(later.val_accuracy), noise(later.val_accuracy)
    error = facts.standard_error(accuracy)
    least = max(JUMPS, STANDARD_ERRORS * error)
    if not few and (len(seen) < FEWEST_FOR_JUMPS or jumps < least):
        return None
    return Finding(
        kind="noisy_validation",
        severity=Severity.WARNING,
        epochs=seen.span if few else later.span,
        evidence={
            "val_accuracy_noise": jumps,
            "val_accuracy": accuracy,
            "validation_images": facts.validation_images,
            "one_image": 1 / max(1, facts.validation_images),
            "standard_error": error,
            "threshold_noise": least,
            "threshold_images": FEWEST_IMAGES,
        },
        text=_few_images(facts, accuracy, error) if few else _jumps(facts, accuracy, jumps),
    )


def _few_images(facts: Facts, accuracy: float, error: float) -> Remark:
    return remark(
        en="Validation is noisy: it has only {images} images, so that one of them is {one}; an accuracy of"
        " {accuracy} is known to within about {twice} either way. A larger validation_fraction helps.",
        fr="La validation est bruitée : elle n'a que {images} images, si bien que chacune vaut {one} ; une"
        " exactitude de {accuracy} n'est connue qu'à {twice} près environ. Augmentez validation_fraction.",
        images=count(facts.validation_images),
        one=points(1 / max(1, facts.validation_images)),
        accuracy=percent(accuracy),
        twice=points(2 * error),
    )


def _jumps(facts: Facts, accuracy: float, jumps: float) -> Remark:
    return remark(
        en="Validation is noisy: from epoch to epoch its accuracy jumps by {jumps} about {accuracy}, on {images}"
        " images. Differences between epochs below some {twice} say nothing; a lower learning rate calms it.",
        fr="La validation est bruitée : d'une époque à l'autre, son exactitude saute de {jumps} autour de"
        " {accuracy}, sur {images} images. Des écarts entre époques de moins de {twice} environ ne disent rien ;"
        " un taux d'apprentissage plus faible la calme.",
        jumps=points(jumps),
        accuracy=percent(accuracy),
        images=count(facts.validation_images),
        twice=points(2 * jumps),
    )
