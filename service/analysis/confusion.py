"""The confusion matrix, and what is read off its rows and columns."""

from collections.abc import Sequence

import numpy as np

from service.analysis import finite
from service.domain.confusion import ClassScores, Confused, ConfusionMatrix, Scores

MOST_CONFUSED = 10


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, *, names: Sequence[str]) -> ConfusionMatrix:
    """Count `labels` and `predictions`, int `(n,)` in 0..len(names)-1.

    A class that was never read has no precision, one that is not there no recall: they are null, not 0. F1 is
    2 TP / (2 TP + FP + FN), which is null only where a class is neither there nor read.
    """
    classes = len(names)
    counts = np.bincount(labels * classes + predictions, minlength=classes * classes).reshape(classes, classes)
    hits, support, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        scores = np.stack([hits / predicted, hits / support, 2 * hits / (support + predicted)])
        accuracy = hits.sum() / np.float64(len(labels))
    return ConfusionMatrix(
        labels=tuple(names),
        matrix=tuple(map(tuple, counts.tolist())),
        per_class=tuple(
            ClassScores(label=name, support=int(support[at]), predicted=int(predicted[at]), **_scores(scores[:, at]))
            for at, name in enumerate(names)
        ),
        macro=Scores(**_scores(np.array([_mean(row) for row in scores]))),
        accuracy=finite.number(accuracy),
        images=len(labels),
        most_confused=_most_confused(counts),
    )


def _scores(values: np.ndarray) -> dict[str, float | None]:
    return dict(zip(("precision", "recall", "f1"), finite.numbers(values), strict=True))


def _mean(values: np.ndarray) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else np.nan


def _most_confused(counts: np.ndarray) -> tuple[Confused, ...]:
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSED]
    places = zip(*(axis.tolist() for axis in np.unravel_index(order, wrong.shape)), strict=True)
    return tuple(
        Confused(label=label, prediction=prediction, count=int(wrong[label, prediction]))
        for label, prediction in places
        if wrong[label, prediction]
    )
