"""Examples of what a finished run is judged by, reckoned from three images and three classes."""

import numpy as np

from service.analysis import disagreement, image_history, softmax, softmax_table
from service.analysis.calibration import calibration
from service.analysis.confusion import confusion_matrix
from service.analysis.pictures import png_base64
from service.analysis.softmax_lesson import lesson
from service.domain.confusion import Confusion
from service.domain.disagreements import Disagreement, Disagreements, Reader, Reading
from service.domain.image_history import ImageHistory
from service.domain.mistakes import Mistake, Mistakes
from service.domain.record import Record

_NAMES = ("0", "1", "2")
_LABELS = np.array([0, 1, 2])
_LOGITS = np.array([[4.0, 0.5, 0.0], [1.0, 2.0, 2.5], [0.0, -1.0, 3.0]], dtype=np.float32)
_BETTER = np.array([[4.0, 0.5, 0.0], [1.0, 3.0, 1.5], [0.0, -1.0, 3.0]], dtype=np.float32)


def records(experiment_id: str) -> tuple[Record, ...]:
    """One of each."""
    scored = (_LOGITS, _LABELS)
    matrix = confusion_matrix(_LABELS, softmax.predictions(_LOGITS), names=_NAMES)
    items = image_history.readings(np.stack([_LOGITS[1], _BETTER[1]]), epochs=(1, 2), label=1)
    mistake = Mistake(
        index=1,
        label=1,
        prediction=2,
        confidence=items[0].confidence,
        loss=items[0].loss,
        probabilities=items[0].probabilities,
        image=image(),
    )
    return (
        Confusion(**dict(matrix), experiment_id=experiment_id, split="test"),
        Mistakes(experiment_id=experiment_id, split="test", labels=_NAMES, images=3, total=1, items=(mistake,)),
        calibration(experiment_id=experiment_id, split="test", validation=scored, test=scored),
        lesson(
            _LOGITS[1],
            1,
            experiment_id=experiment_id,
            split="test",
            index=1,
            image=image(),
            labels=_NAMES,
            temperature=2.0,
            of_class=None,
        ),
        softmax_table.table(
            _LOGITS,
            _LABELS,
            np.arange(3),
            experiment_id=experiment_id,
            split="test",
            names=_NAMES,
            temperature=2.0,
            offset=1,
            limit=1,
        ),
        ImageHistory(
            experiment_id=experiment_id,
            index=1,
            image=image(),
            labels=_NAMES,
            label=1,
            stored_epochs=2,
            items=items,
            learned_at=image_history.learned_at(items),
            forgotten=image_history.forgotten(items),
        ),
        _disagreements(experiment_id, experiment_id[:-1] + "f"),
    )


def _disagreements(a: str, b: str) -> Disagreements:
    readings = {a: _LOGITS, b: _BETTER}
    predictions = {each: softmax.predictions(logits) for each, logits in readings.items()}
    probabilities = {each: softmax.probabilities(logits)[1].tolist() for each, logits in readings.items()}
    _, margins = disagreement.widest_first([_LOGITS, _BETTER], np.array([1]))
    item = Disagreement(
        index=1,
        label=1,
        margin=float(margins[0]),
        readings=tuple(
            Reading(
                experiment_id=each,
                prediction=int(predictions[each][1]),
                confidence=max(probabilities[each]),
                label_probability=probabilities[each][1],
            )
            for each in readings
        ),
        image=image(),
    )
    return Disagreements(
        dataset="mnist",
        labels=_NAMES,
        images=3,
        runs=tuple(
            Reader(experiment_id=each, name="mnist-mlp-relu", accuracy=float((predictions[each] == _LABELS).mean()))
            for each in readings
        ),
        pairs=(disagreement.pair(a, b, predictions=(predictions[a], predictions[b]), labels=_LABELS),),
        all_right=2,
        all_wrong=0,
        total=1,
        items=(item,),
    )


def image() -> str:
    """A stroke from corner to corner, as a PNG in base64."""
    return png_base64(np.eye(8, dtype=np.uint8) * 255)
