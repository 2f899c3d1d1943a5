"""Where several finished runs read the same test images differently."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from service import evidence, judgement
from service.analysis import disagreement, finite, softmax
from service.analysis.pictures import Tile, png_base64, sheet
from service.domain.disagreements import Disagreement, Disagreements, Reader, Reading
from service.domain.spec import DatasetChoice
from service.errors import ConflictError, FieldError, InvalidSpecError
from service.evidence import Evidence
from service.settings import Settings


def between(runs: Sequence[Evidence], settings: Settings, *, only: str | None, limit: int) -> Disagreements:
    """The images, the widest margin first; with `only`, those that this one of the runs alone reads right.

    `InvalidSpecError` where the runs are of several data sets, `ConflictError` where their test images are not the
    same.
    """
    ids = [run.experiment.id for run in runs]
    if only is not None and only not in ids:
        raise _wrong("only", f"must be one of the ids: {', '.join(ids)}")
    _check_same_images(runs)
    first = runs[0]
    labels, indices = first.outputs.test.labels, first.outputs.test.indices
    logits = [run.outputs.test.logits for run in runs]
    predictions = np.stack([softmax.predictions(each) for each in logits])
    right = predictions == labels

    picked = (predictions != predictions[0]).any(axis=0)
    if only is not None:
        picked &= right[list(ids).index(only)] & (right.sum(axis=0) == 1)
    places, margins = disagreement.widest_first(logits, np.flatnonzero(picked))
    shown = places[:limit]
    choice = DatasetChoice(name=first.experiment.spec.dataset.name)
    images = evidence.images(settings, choice, "test", indices[shown])
    probabilities = [softmax.probabilities(each[shown]) for each in logits]
    return Disagreements(
        dataset=choice.name,
        labels=judgement.names(first),
        images=len(labels),
        runs=tuple(
            Reader(experiment_id=run.experiment.id, name=run.experiment.name, accuracy=float(right[at].mean()))
            for at, run in enumerate(runs)
        ),
        pairs=tuple(
            disagreement.pair(ids[a], ids[b], predictions=(predictions[a], predictions[b]), labels=labels)
            for a, b in combinations(range(len(ids)), 2)
        ),
        all_right=int(right.all(axis=0).sum()),
        all_wrong=int((~right).all(axis=0).sum()),
        total=len(places),
        items=tuple(
            Disagreement(
                index=int(indices[place]),
                label=int(labels[place]),
                margin=finite.number(margins[row]),
                readings=tuple(
                    _reading(each, int(predictions[at, place]), int(labels[place]), probabilities[at][row])
                    for at, each in enumerate(ids)
                ),
                image=png_base64(images[row]),
            )
            for row, place in enumerate(shown)
        ),
    )


def contact_sheet(runs: Sequence[Evidence], settings: Settings, *, only: str | None, limit: int) -> bytes:
    """The same as a picture: below an image what it is, and what the runs read in their order."""
    found = between(runs, settings, only=only, limit=limit)
    indices = [item.index for item in found.items]
    images = evidence.images(settings, DatasetChoice(name=found.dataset), "test", indices)
    tiles = []
    for item, image in zip(found.items, images, strict=True):
        read = " | ".join(found.labels[each.prediction] for each in item.readings)
        tiles.append(Tile(image, caption=f"{found.labels[item.label]} → {read}", detail=f"image {item.index}"))
    names = " | ".join(run.name for run in found.runs)
    return sheet(
        tiles,
        title=f"{names}: {len(tiles)} of {found.total} images read differently",
        empty="They read every image alike.",
    )


def _check_same_images(runs: Sequence[Evidence]) -> None:
    """Which are those of the first."""
    first = runs[0]
    name, outputs = first.experiment.spec.dataset.name, first.outputs.test
    for run in runs[1:]:
        other = run.experiment.spec.dataset.name
        if other != name:
            detail = (
                f"experiment {run.experiment.id} was run on {other} and {first.experiment.id} on {name}: "
                "they can differ only on images of one data set"
            )
            raise _wrong("ids", detail)
        same = (
            np.array_equal(run.outputs.test.indices, outputs.indices)
            and np.array_equal(run.outputs.test.labels, outputs.labels)
            and run.outputs.test.logits.shape == outputs.logits.shape
        )
        if not same:
            raise ConflictError(
                f"experiments {run.experiment.id} and {first.experiment.id} were not judged on the same test images: "
                f"the files of {name} have changed between them"
            )


def _reading(experiment_id: str, prediction: int, label: int, probabilities: np.ndarray) -> Reading:
    return Reading(
        experiment_id=experiment_id,
        prediction=prediction,
        confidence=finite.number(probabilities[prediction]),
        label_probability=finite.number(probabilities[label]),
    )


def _wrong(field: str, detail: str) -> InvalidSpecError:
    return InvalidSpecError((FieldError(pointer=f"#/query/{field}", detail=detail, code="not_comparable"),))
