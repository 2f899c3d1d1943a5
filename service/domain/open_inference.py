"""What is said in the Open Inference Protocol, version 2, over HTTP.

The specification is `specification/protocol/inference_rest.md` of github.com/kserve/open-inference-protocol; tensors as
bytes after the JSON are Triton's extension `binary_tensor_data` (`docs/protocol/extension_binary_data.md` of
github.com/triton-inference-server/server). What a request says beyond the fields here belongs to other extensions: it
is left out of account, as the protocol has servers do.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.domain.record import Record

BINARY_EXTENSION = "binary_tensor_data"
HEADER_LENGTH = "Inference-Header-Content-Length"
"""The header that says how many bytes of a body are its JSON, where tensors follow as bytes."""
PLATFORM = "pytorch_safetensors"
INPUT = "image"
LOGITS, PROBABILITIES, DIGIT = "logits", "probabilities", "digit"


class _Received(BaseModel):
    """Immutable as a record; unknown fields are no errors."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


Parameters = Annotated[dict[str, Any], BeforeValidator(lambda given: {} if given is None else given)]
"""Null is sent for none by clients that are made from the specification."""
Side = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]


class RequestInput(_Received):
    """A tensor that is sent: as `data`, or as so many bytes after the JSON."""

    name: Annotated[str, Field(strict=True)]
    shape: Annotated[tuple[Side, ...], Field(min_length=1, max_length=8)]
    datatype: Annotated[str, Field(strict=True)]
    parameters: Parameters = {}
    data: Annotated[Any, Field(description="Numbers in row-major order, nested or flat", json_schema_extra={})] = None


class RequestOutput(_Received):
    """A tensor that is asked for."""

    name: Annotated[str, Field(strict=True)]
    parameters: Parameters = {}


class InferenceRequest(_Received):
    """The JSON of a request."""

    id: Annotated[str | None, Field(strict=True)] = None
    parameters: Parameters = {}
    inputs: tuple[RequestInput, ...]
    outputs: tuple[RequestOutput, ...] | None = None
    """All of them where this is not there or empty."""


class ResponseOutput(Record):
    """A tensor that is answered: as `data`, flat, or as so many bytes after the JSON."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, int] | None = None
    data: tuple[float | int | None, ...] | None = None
    """Null where a number is not finite."""


class InferenceResponse(Record):
    """The JSON of an answer."""

    model_name: str
    model_version: str
    id: str | None = None
    """That of the request."""
    outputs: tuple[ResponseOutput, ...]


class TensorMetadata(Record):
    """A tensor that a model takes or gives; -1 is a side of any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class ModelMetadata(Record):
    """A model, or one version of it."""

    name: str
    versions: tuple[str, ...]
    """Those that can be asked for, the oldest first."""
    platform: str
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


class ModelReadiness(Record):
    """The network is loaded."""

    name: str
    ready: bool = True


class ServerMetadata(Record):
    """Who answers."""

    name: str
    version: str
    extensions: tuple[str, ...]


class Liveness(Record):
    """The process answers."""

    live: bool = True


class ServerReadiness(Liveness):
    """It can infer. The specification's text has `live` here, too; servers say `ready`."""

    ready: bool = True


class InferenceError(Record):
    """Every error of this protocol."""

    error: str
