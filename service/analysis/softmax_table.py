"""A whole split's logits, probabilities and losses, image by image, and what they come to."""

import numpy as np
import orjson

from service.analysis import finite, softmax
from service.domain.softmax import MeanGradients, ScoredImage, SplitSoftmax
from service.domain.splits import SplitName

BEFORE = ("index", "label", "prediction", "cross_entropy", "zero_one_loss", "margin", "gradient")
"""Columns before those of the classes."""


def table(
    logits: np.ndarray,
    labels: np.ndarray,
    indices: np.ndarray,
    *,
    experiment_id: str,
    split: SplitName,
    names: tuple[str, ...],
    temperature: float,
    offset: int,
    limit: int,
) -> SplitSoftmax:
    """Of `logits` `(n, classes)`: means over all of them, and `limit` images from `offset` on."""
    losses = softmax.losses(logits, labels, temperature=temperature)
    margins = softmax.margins(logits, labels)
    lengths = softmax.gradient_lengths(logits, labels, temperature=temperature)
    read = softmax.predictions(logits)
    shown = slice(offset, offset + limit)
    probabilities = softmax.probabilities(logits[shown], temperature=temperature)
    return SplitSoftmax(
        experiment_id=experiment_id,
        split=split,
        labels=names,
        temperature=temperature,
        images=len(labels),
        cross_entropy=finite.number(losses.mean()),
        zero_one_loss=float((read != labels).mean()),
        margin=finite.number(margins.mean()),
        gradients=MeanGradients(
            cross_entropy=finite.number(lengths.cross_entropy.mean()),
            softmax=finite.number(lengths.softmax.mean()),
            hard_maximum=None if lengths.tied.all() else 0.0,
            ties=int(np.count_nonzero(lengths.tied)),
        ),
        offset=offset,
        items=tuple(
            ScoredImage(
                index=int(indices[at]),
                label=int(labels[at]),
                prediction=int(read[at]),
                cross_entropy=finite.number(losses[at]),
                zero_one_loss=int(read[at] != labels[at]),
                margin=finite.number(margins[at]),
                gradient=finite.number(lengths.cross_entropy[at]),
                logits=finite.numbers(logits[at].astype(np.float64)),
                softmax=finite.numbers(probabilities[at - offset]),
            )
            for at in range(*shown.indices(len(labels)))
        ),
    )


def as_csv(found: SplitSoftmax) -> str:
    """A line an image, ended by a newline; numbers unrounded, an empty cell where there is no finite one."""
    classes = range(len(found.labels))
    names = (*BEFORE, *(f"logit_{at}" for at in classes), *(f"softmax_{at}" for at in classes))
    rows = [[*(getattr(each, name) for name in BEFORE), *each.logits, *each.softmax] for each in found.items]
    # All are numbers or None. The csv module takes five times as long to write a quarter of a million of them.
    lines = orjson.dumps(rows)[2:-2].replace(b"],[", b"\n").replace(b"null", b"").decode()
    return f"{','.join(names)}\n{lines}\n" if rows else f"{','.join(names)}\n"
