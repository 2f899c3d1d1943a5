"""What a finished run's outputs say of it: its confusions, its mistakes, its calibration, one image's softmax.

All of it is reckoned from the stored logits of its best weights (`evidence`); no network runs for it.
"""

import numpy as np

from service import datasets, evidence
from service.analysis import calibration as calibrating
from service.analysis import finite, mistakes, softmax, softmax_table
from service.analysis.confusion import confusion_matrix
from service.analysis.pictures import Tile, png_base64, sheet
from service.analysis.softmax_lesson import lesson
from service.checkpoints import SplitOutputs
from service.domain.calibration import Calibration
from service.domain.confusion import Confusion
from service.domain.mistakes import Mistake, Mistakes
from service.domain.softmax import Softmax, SplitSoftmax
from service.domain.splits import SplitName
from service.errors import FieldError, InvalidSpecError, NotFoundError
from service.evidence import Evidence
from service.settings import Settings


def names(found: Evidence) -> tuple[str, ...]:
    """The classes of the run's data set."""
    return datasets.facts(found.experiment.spec.dataset.name).labels


def title(found: Evidence, what: str) -> str:
    """Of a picture."""
    return f"{what} of {found.experiment.name}"


def confusion(found: Evidence, split: SplitName) -> Confusion:
    """Every class against every class."""
    outputs = found.of(split)
    matrix = confusion_matrix(outputs.labels, softmax.predictions(outputs.logits), names=names(found))
    return Confusion(**dict(matrix), experiment_id=found.experiment.id, split=split)


def worst(
    found: Evidence, settings: Settings, split: SplitName, *, label: int | None, prediction: int | None, limit: int
) -> Mistakes:
    """The mistakes, worst first; `InvalidSpecError` where a class is none of the data set's."""
    outputs, labels = found.of(split), names(found)
    for field, given in (("label", label), ("prediction", prediction)):
        _check_class(field, given, labels)
    places = mistakes.worst_first(outputs.logits, outputs.labels, label=label, prediction=prediction)
    shown = places[:limit]
    images = evidence.images(settings, found.experiment.spec.dataset, split, outputs.indices[shown])
    return Mistakes(
        experiment_id=found.experiment.id,
        split=split,
        labels=labels,
        images=len(outputs.labels),
        total=len(places),
        items=_mistakes(outputs, shown, images),
    )


def contact_sheet(
    found: Evidence, settings: Settings, split: SplitName, *, label: int | None, prediction: int | None, limit: int
) -> bytes:
    """The same as a picture."""
    listed = worst(found, settings, split, label=label, prediction=prediction, limit=limit)
    indices = [item.index for item in listed.items]
    images = evidence.images(settings, found.experiment.spec.dataset, split, indices)
    tiles = [
        Tile(
            image,
            caption=f"{listed.labels[item.label]} → {listed.labels[item.prediction]}",
            detail=f"{_percent(item.confidence)} · {item.index}",
        )
        for item, image in zip(listed.items, images, strict=True)
    ]
    heading = f"{title(found, 'Mistakes')}: {len(tiles)} of {listed.total} on {listed.images} images ({split})"
    return sheet(tiles, title=heading, empty="It makes no such mistake.")


def calibration(found: Evidence, split: SplitName) -> Calibration:
    """Confidence against accuracy."""
    validation, test = ((each.logits, each.labels) for each in (found.outputs.validation, found.outputs.test))
    return calibrating.calibration(experiment_id=found.experiment.id, split=split, validation=validation, test=test)


def softmax_of(
    found: Evidence, settings: Settings, split: SplitName, index: int, *, temperature: float, of_class: int | None
) -> Softmax:
    """One image; `NotFoundError` where the split has none of this index."""
    outputs, labels = found.of(split), names(found)
    _check_class("class", of_class, labels)
    places = np.flatnonzero(outputs.indices == index)
    if not len(places):
        raise NotFoundError(_no_image(found, split, index))
    place = int(places[0])
    image = evidence.images(settings, found.experiment.spec.dataset, split, [index])[0]
    return lesson(
        outputs.logits[place],
        int(outputs.labels[place]),
        experiment_id=found.experiment.id,
        split=split,
        index=index,
        image=png_base64(image),
        labels=labels,
        temperature=temperature,
        of_class=of_class,
    )


def softmax_of_split(found: Evidence, split: SplitName, *, temperature: float, offset: int, limit: int) -> SplitSoftmax:
    """All images of a split, of which `limit` are listed from `offset` on."""
    outputs = found.of(split)
    return softmax_table.table(
        outputs.logits,
        outputs.labels,
        outputs.indices,
        experiment_id=found.experiment.id,
        split=split,
        names=names(found),
        temperature=temperature,
        offset=offset,
        limit=limit,
    )


def _mistakes(outputs: SplitOutputs, places: np.ndarray, images: np.ndarray) -> tuple[Mistake, ...]:
    logits, labels = outputs.logits[places], outputs.labels[places]
    probabilities, predictions = softmax.probabilities(logits), softmax.predictions(logits)
    losses = softmax.losses(logits, labels)
    return tuple(
        Mistake(
            index=int(outputs.indices[place]),
            label=int(labels[row]),
            prediction=int(predictions[row]),
            confidence=finite.number(probabilities[row, predictions[row]]),
            loss=finite.number(losses[row]),
            probabilities=finite.numbers(probabilities[row]),
            image=png_base64(images[row]),
        )
        for row, place in enumerate(places)
    )


def _check_class(field: str, given: int | None, labels: tuple[str, ...]) -> None:
    if given is not None and not 0 <= given < len(labels):
        detail = f"must be between 0 and {len(labels) - 1}"
        raise InvalidSpecError((FieldError(pointer=f"#/query/{field}", detail=detail, code="out_of_range"),))


def _no_image(found: Evidence, split: SplitName, index: int) -> str:
    if split == "test":
        return f"the test split has no image {index}: it has 0 to {len(found.outputs.test.labels) - 1}"
    return (
        f"image {index} of the training split is not in the validation split of experiment {found.experiment.id}: "
        "its mistakes, for one, name some that are"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
