"""Tensors as the Open Inference Protocol sends them: numbers in JSON, or bytes in little-endian row-major order."""

from collections.abc import Iterable
from math import prod

import numpy as np

from service.domain.open_inference import RequestInput, RequestOutput, ResponseOutput
from service.errors import InvalidImageError
from service.inference.numbers import listed

DATATYPES = {
    "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "<i1", "INT16": "<i2", "INT32": "<i4",
    "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
"""The protocol's names, less those of what is no number."""
SIZE, AS_BYTES = "binary_data_size", "binary_data"
"""Parameters of the extension `binary_tensor_data`: of a tensor that is sent, and of one that is asked for."""


def received(inputs: Iterable[RequestInput], tail: bytes) -> list[np.ndarray]:
    """The tensors, each in its shape, of numbers in the JSON or of bytes in the `tail` that follows it.

    `InvalidImageError` where one is not what it is said to be.
    """
    arrays, rest = [], memoryview(tail)
    for index, given in enumerate(inputs):
        where = f"#/inputs/{index}"
        if given.datatype not in DATATYPES:
            allowed = f"must be one of {', '.join(DATATYPES)}"
            raise InvalidImageError(f"{given.datatype[:60]!r}: {allowed}", pointer=f"{where}/datatype")
        size = given.parameters.get(SIZE)
        if size is None:
            arrays.append(_from_json(given, where))
            continue
        if given.data is not None:
            raise InvalidImageError(f"must not be there beside the parameter {SIZE}", pointer=f"{where}/data")
        if type(size) is not int or not 0 <= size <= len(rest):
            wrong = f"{size!r:.60}: {len(rest)} bytes follow the JSON"
            raise InvalidImageError(wrong, pointer=f"{where}/parameters/{SIZE}")
        arrays.append(_from_bytes(given, rest[:size], where))
        rest = rest[size:]
    if rest:
        raise InvalidImageError(f"{len(rest)} bytes after the JSON belong to no input", pointer="#/inputs")
    return arrays


def sent(name: str, datatype: str, array: np.ndarray, *, as_bytes: bool) -> tuple[ResponseOutput, bytes]:
    """A tensor of the answer, and its bytes where it is to be sent as such."""
    if not as_bytes:
        return ResponseOutput(name=name, datatype=datatype, shape=array.shape, data=tuple(listed(array.ravel()))), b""
    content = array.astype(DATATYPES[datatype], copy=False).tobytes()
    parameters = {SIZE: len(content)}
    return ResponseOutput(name=name, datatype=datatype, shape=array.shape, parameters=parameters), content


def wants_bytes(output: RequestOutput, *, otherwise: bool) -> bool:
    """Whether an output is asked for as bytes."""
    return flag(output.parameters, AS_BYTES, otherwise=otherwise, pointer="#/outputs")


def flag(parameters: dict[str, object], name: str, *, otherwise: bool, pointer: str = "#") -> bool:
    """A parameter that is true or false; `InvalidImageError` where it is something else."""
    value = parameters.get(name, otherwise)
    if not isinstance(value, bool):
        raise InvalidImageError(f"{value!r:.60}: must be true or false", pointer=f"{pointer}/parameters/{name}")
    return value


def _from_json(given: RequestInput, where: str) -> np.ndarray:
    try:
        array = np.asarray([] if given.data is None else given.data)
    except ValueError as error:
        raise InvalidImageError("is ragged: rows must be of one length", pointer=f"{where}/data") from error
    if array.dtype.kind not in "iuf" or _holds_flags(given.data):
        raise InvalidImageError("must hold numbers alone, nested or flat", pointer=f"{where}/data")
    if array.size != prod(given.shape):
        raise InvalidImageError(f"has {array.size} values; {_said(given)}", pointer=f"{where}/data")
    wanted = np.dtype(DATATYPES[given.datatype])
    with np.errstate(over="ignore", invalid="ignore"):
        typed = array.astype(wanted)
    if wanted.kind != "f" and not np.array_equal(typed, array):
        raise InvalidImageError(f"holds a number that is no {given.datatype}", pointer=f"{where}/data")
    return typed.reshape(given.shape)


def _holds_flags(data: object) -> bool:
    """Whether a `true` or `false` is among numbers, for which numpy would take it."""
    if not isinstance(data, list):
        return False
    kinds = {*map(type, data)}
    return bool in kinds or (list in kinds and any(map(_holds_flags, data)))


def _from_bytes(given: RequestInput, content: memoryview, where: str) -> np.ndarray:
    wanted = np.dtype(DATATYPES[given.datatype])
    needed = prod(given.shape) * wanted.itemsize
    if len(content) != needed:
        what = f"{len(content)} bytes; {_said(given)} of {given.datatype}, {needed} bytes"
        raise InvalidImageError(what, pointer=f"{where}/parameters/{SIZE}")
    return np.frombuffer(content, dtype=wanted).reshape(given.shape)


def _said(given: RequestInput) -> str:
    return f"the shape {list(given.shape)} has {prod(given.shape)}"
