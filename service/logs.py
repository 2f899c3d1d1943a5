"""Logs: one line an event, a sentence with fields, as text for people or as JSON for machines, on standard error.

What is bound with `structlog.contextvars` (`request_id`, `experiment_id`) is on every line of that context. Records of
the standard library's `logging`, uvicorn's among them, take the same way. No value can break a line: control characters
and lone surrogates are written as escapes.
"""

import json
import logging
import math
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from service.settings import LogFormat, Settings

QUIET = ("alembic", "httpx", "httpcore", "matplotlib", "multipart", "PIL", "python_multipart")
"""Libraries whose everyday messages are of no interest to who runs the service."""
_PLAIN_WORD = re.compile(r"[^ \"'=]+")
_PLAIN_TYPES = frozenset({str, int, float})
_FIRST = ("timestamp", "level", "event")


def configure(settings: Settings) -> None:
    """Set up structlog and the standard library's logging for this process, before anything is logged in it."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    before: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    render = as_json if settings.log_format is LogFormat.JSON else as_text
    # Past the standard library's logging, which would double what the line of a request costs.
    structlog.configure(
        processors=[*before, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Undaunted(sys.stderr))),
        cache_logger_on_first_use=True,  # to put it together for every line took a fifth of the line's time
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Undaunted:
    """A stream that fails in silence.

    A disk that is too full for a log line must not end the request, the run or the worker that the line is about.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Or not."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """What it can."""
        with suppress(OSError):
            self._stream.flush()


def as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """One JSON object: `timestamp`, `level`, `event`, then the fields."""
    return json.dumps(_in_order(event), default=repr, allow_nan=False)


def as_text(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """`time level sentence field=value ...`; a value that holds more than one plain word is quoted as in JSON."""
    time, level, sentence = (str(_plain(event.get(name, ""))) for name in _FIRST)
    fields = {name: value for name, value in event.items() if name not in _FIRST}
    words = " ".join([f"{name}={value}" for name, value in fields.items()])
    if not _are_plain(fields, words):
        words = " ".join([f"{_escaped(name)}={_word(value)}" for name, value in fields.items()])
    return f"{time} {level:<7} {_escaped(sentence)} {words}".rstrip()


def _are_plain(fields: Mapping[str, Any], words: str) -> bool:
    """Whether these fields, so written, are what `_escaped` and `_word` would make of each: nearly all are."""
    return (
        _PLAIN_TYPES.issuperset(map(type, fields.values()))
        and words.count("=") == len(fields) == words.count(" ") + 1
        and words.isascii()
        and words.isprintable()
        and not ("'" in words or '"' in words or "= " in words or words.endswith("="))
    )


def _in_order(event: Mapping[str, Any]) -> dict[str, Any]:
    first = {name: event[name] for name in _FIRST if name in event}
    return {_escaped(name): _plain(value) for name, value in (first | {**event}).items()}


def _plain(value: object) -> object:
    """What JSON can say: a number that is not finite, a lone surrogate or a strange object becomes text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
        case Mapping():
            return {str(_plain(str(name))): _plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return _plain(str(value))


def _word(value: object) -> str:
    plain = _plain(value)
    if type(plain) in (int, float):
        return repr(plain)
    text = plain if isinstance(plain, str) else json.dumps(plain)
    return text if _PLAIN_WORD.fullmatch(text) and text.isprintable() else json.dumps(text)


def _escaped(text: str) -> str:
    return (
        text
        if text.isprintable()
        else "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    )
