"""Any number of images as requests that a service takes: each of bounded length, made when it is asked for."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

MOST_IMAGES = 100
"""Of one request: few enough that an answer comes within seconds, and so many that requests cost nothing."""
MOST_BYTES = 8 * 1024 * 1024
"""Half of what a service takes unless it is set otherwise. An image that is larger travels alone."""
BYTES_A_VALUE = 20
"""Of a pixel as JSON at most, as `0.12156862745098039,`."""

Grid = Sequence[Sequence[float]]


class Array(Protocol):
    """An array of numpy or a tensor of torch, `(height, width)`, grey values 0..255 or 0..1."""

    def tolist(self) -> Any: ...


Image = bytes | Path | Grid | Array
"""A whole image file, where one lies, or the pixels themselves."""


@dataclass(frozen=True)
class _Item:
    name: str
    content: bytes | Grid

    @property
    def bytes(self) -> int:
        if isinstance(self.content, bytes):
            return len(self.content)
        return BYTES_A_VALUE * sum(map(len, self.content))


def bodies(images: Iterable[Image]) -> Iterator[dict[str, Any]]:
    """The arguments of a request each, at least one: whole files as a form, where pixels are among them as JSON.

    A file has its own name there; bytes are called by their place.
    """
    items: list[_Item] = []
    size = sent = 0
    for number, image in enumerate(images):
        item = _item(image, number)
        if items and (len(items) == MOST_IMAGES or size + item.bytes > MOST_BYTES):
            yield _body(items)
            items, size, sent = [], 0, sent + 1
        items.append(item)
        size += item.bytes
    if items or not sent:
        yield _body(items)


def _item(image: Image, number: int) -> _Item:
    if isinstance(image, Path):
        return _Item(image.name, image.read_bytes())
    if isinstance(image, bytes | Sequence):
        return _Item(str(number), image)
    return _Item(str(number), image.tolist())


def _body(items: Sequence[_Item]) -> dict[str, Any]:
    files = [("image", (item.name, item.content)) for item in items if isinstance(item.content, bytes)]
    if files and len(files) == len(items):
        return {"files": files}
    return {"json": {"images": [_as_json(item.content) for item in items]}}


def _as_json(content: bytes | Grid) -> dict[str, Any]:
    if isinstance(content, bytes):
        return {"base64": base64.b64encode(content).decode()}
    return {"pixels": content}
