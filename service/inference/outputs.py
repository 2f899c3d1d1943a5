"""What a network says of images, as the tensors that the Open Inference Protocol asks for by name."""

import numpy as np

from service.domain.open_inference import DIGIT, LOGITS, PROBABILITIES
from service.inference.predict import softmax

DATATYPES = {LOGITS: "FP32", PROBABILITIES: "FP32", DIGIT: "INT64"}


def of(logits: np.ndarray) -> dict[str, np.ndarray]:
    """All of them, of float32 logits `(n, classes)`."""
    return {LOGITS: logits, PROBABILITIES: softmax(logits), DIGIT: logits.argmax(1)}
