"""Examples of what is said in the Open Inference Protocol; `service/api/examples.py` gathers them."""

from service.domain.open_inference import (
    BINARY_EXTENSION,
    DIGIT,
    INPUT,
    LOGITS,
    PLATFORM,
    InferenceError,
    InferenceResponse,
    Liveness,
    ModelMetadata,
    ModelReadiness,
    ResponseOutput,
    ServerMetadata,
    ServerReadiness,
    TensorMetadata,
)
from service.domain.record import Record

REQUEST = {
    "id": "42",
    "inputs": [{"name": INPUT, "shape": [1, 8, 8], "datatype": "UINT8", "data": [0] * 64}],
    "outputs": [{"name": DIGIT}],
}


def records() -> tuple[Record, ...]:
    """One of each answer."""
    digit = ResponseOutput(name=DIGIT, datatype="INT64", shape=(1,), data=(7,))
    model = ModelMetadata(
        name="digits",
        versions=("1", "2"),
        platform=PLATFORM,
        inputs=(TensorMetadata(name=INPUT, datatype="FP32", shape=(-1, 8, 8)),),
        outputs=(TensorMetadata(name=LOGITS, datatype="FP32", shape=(-1, 10)),),
    )
    return (
        InferenceResponse(model_name="digits", model_version="2", id="42", outputs=(digit,)),
        model,
        ModelReadiness(name="digits"),
        ServerMetadata(name="ardoise", version="0.1.0", extensions=(BINARY_EXTENSION,)),
        Liveness(),
        ServerReadiness(),
        InferenceError(error="there is no model 'digit'"),
    )
