"""Which images of a split are read wrong, and how wrong."""

import numpy as np

from service.analysis import softmax


def worst_first(
    logits: np.ndarray, labels: np.ndarray, *, label: int | None = None, prediction: int | None = None
) -> np.ndarray:
    """The places `(m,)` of the images read wrong, by their cross-entropy from the largest; what has none is first.

    `label` and `prediction` pick a row, a column or a cell of the confusion matrix. A cell of its diagonal has the
    images that are read right, so there the first is the least sure one.
    """
    predictions = softmax.predictions(logits)
    if label is not None and label == prediction:
        picked = (labels == label) & (predictions == label)
    else:
        picked = predictions != labels
        if label is not None:
            picked &= labels == label
        if prediction is not None:
            picked &= predictions == prediction
    places = np.flatnonzero(picked)
    losses = softmax.losses(logits[places], labels[places])
    order = np.argsort(-np.nan_to_num(losses, nan=np.inf), kind="stable")
    return places[order]
