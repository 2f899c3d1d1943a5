"""One image's logits, probabilities and gradients side by side, and a sentence on what they show."""

import numpy as np

from service.analysis import finite, softmax
from service.analysis.words import Quantity, number, remark
from service.domain.curves import Remark
from service.domain.softmax import Gradients, Softmax
from service.domain.splits import SplitName


def lesson(
    logits: np.ndarray,
    label: int,
    *,
    experiment_id: str,
    split: SplitName,
    index: int,
    image: str,
    labels: tuple[str, ...],
    temperature: float,
    of_class: int | None,
) -> Softmax:
    """All that is to be said of `logits` `(classes,)`; `of_class`, the prediction by default, is the Jacobian's row."""
    row, truth = logits[None], np.array([label])
    prediction = int(softmax.predictions(row)[0])
    chosen = prediction if of_class is None else of_class
    slopes = softmax.gradients(logits, label, of_class=chosen, temperature=temperature)
    flat = finite.numbers(slopes.hard_maximum)
    return Softmax(
        experiment_id=experiment_id,
        split=split,
        index=index,
        image=image,
        labels=labels,
        label=label,
        prediction=prediction,
        temperature=temperature,
        logits=finite.numbers(logits.astype(np.float64)),
        softmax=finite.numbers(softmax.probabilities(row, temperature=temperature)[0]),
        hard_maximum=tuple(int(each == prediction) for each in range(len(logits))),
        cross_entropy=finite.number(softmax.losses(row, truth, temperature=temperature)[0]),
        zero_one_loss=int(prediction != label),
        margin=finite.number(softmax.margins(row, truth)[0]),
        gradients=Gradients(
            cross_entropy=finite.numbers(slopes.cross_entropy),
            softmax=finite.numbers(slopes.softmax),
            softmax_class=chosen,
            hard_maximum=flat,
            zero_one_loss=flat,
        ),
        remark=_remark(slopes, logits, labels[label], label=label, wrong=prediction != label, temperature=temperature),
    )


def _remark(
    slopes: softmax.Gradients, logits: np.ndarray, name: str, *, label: int, wrong: bool, temperature: float
) -> Remark:
    if not np.isfinite(slopes.cross_entropy).all():
        return Remark(
            en="A logit is not finite: there is neither a probability nor a gradient to learn from.",
            fr="Un logit n'est pas fini : il n'y a ni probabilité ni gradient pour apprendre.",
        )
    if np.isnan(slopes.hard_maximum).any():
        return Remark(
            en="Two logits tie for the largest: there the hard maximum jumps and has no gradient; everywhere else its "
            "gradient is 0. The softmax is smooth here as elsewhere.",
            fr="Deux logits se partagent le maximum : le maximum strict y fait un saut et n'a pas de gradient ; "
            "partout ailleurs son gradient est nul. Le softmax est lisse ici comme ailleurs.",
        )
    ordered = np.sort(logits)
    return remark(
        en="The largest logit leads by {gap}. To change one logit by less moves neither the hard maximum nor the 0/1 "
        "loss ({loss}): their gradient is 0 almost everywhere, nothing is learned by it. The gradient of the "
        "cross-entropy is softmax minus one-hot label{divided}: {slope} for the logit of {name}, which descent "
        "therefore raises.",
        fr="Le plus grand logit a {gap} d'avance. Changer un logit de moins que cela ne déplace ni le maximum strict "
        "ni la perte 0/1 ({loss}) : leur gradient est nul presque partout, et rien ne s'apprendrait par lui. Le "
        "gradient de l'entropie croisée est le softmax moins l'étiquette{divided} : {slope} pour le logit de {name}, "
        "que la descente augmente donc.",
        gap=number(float(ordered[-1] - ordered[-2])),
        loss=int(wrong),
        divided=Quantity("", "") if temperature == 1 else Quantity(", over the temperature", ", sur la température"),
        slope=number(float(slopes.cross_entropy[label])),
        name=name,
    )
