"""Where in the request of a sweep that is which is wrong with one of its experiments."""

from collections.abc import Sequence
from typing import NamedTuple

from service.domain.sweep import Choice, SweepRequest
from service.domain.sweep_samples import Options
from service.errors import FieldError

_ABOUT_A_PLACE = frozenset({"missing", "unknown_field", "unknown_name", "wrong_type"})
"""Codes of errors about what stands at their pointer; any other may be about what lies below it, taken together."""


class Wrong(NamedTuple):
    """An error by its place in the request; `path` where that is a value that is laid over the base."""

    pointer: str
    path: str | None
    detail: str
    code: str


def place(error: FieldError, request: SweepRequest, options: Options, choice: Choice) -> Wrong:
    """The value laid over the base that the error is about, else what is at fault in the base."""
    at = error.pointer.removeprefix("#").removeprefix("/")
    chosen = {path.replace(".", "/"): path for path in choice}
    above = [each for each in chosen if f"{at}/".startswith(f"{each}/")]
    below = [each for each in chosen if each.startswith(f"{at}/")] if error.code not in _ABOUT_A_PLACE else []
    if above:
        nearest = max(above, key=len)
        path: str | None = (laid := chosen[nearest])
        rest, given = at[len(nearest) + 1 :], options[laid][choice[laid]].value
    elif len(below) == 1:
        path, rest, given = chosen[below[0]], "", None
    else:
        field, _, rest = at.partition("/")
        path, given = None, request.base.get(field)
    start = f"#/base/{field}" if path is None else options[path][choice[path]].pointer
    if isinstance(given, str) and rest == "name":  # a name that became an object so that a field could be set
        rest = ""
    return Wrong(f"{start}/{rest}" if rest else start, path, error.detail, error.code)


def told(wrong: Wrong, options: Options, where: Sequence[Choice], looked_at: Sequence[Choice]) -> FieldError:
    """The error; where it came up with some values of the other paths only, the first of these with it.

    Of a range it is the number that was drawn which says more.
    """
    path, first, detail = wrong.path, where[0], wrong.detail
    alike = sum(path is None or _source(options, choice, path) == _source(options, first, path) for choice in looked_at)
    if path is not None and options[path][first[path]].of_a_range:
        detail += f"; drawn: {_value(options, first, path)}"
    elif len(where) < alike:
        others = [other for other in first if other != path]
        detail += "; with " + ", ".join(f"{other} {_value(options, first, other)}" for other in others)
    return FieldError(pointer=wrong.pointer, detail=detail, code=wrong.code)


def _source(options: Options, choice: Choice, path: str) -> str:
    return options[path][choice[path]].pointer


def _value(options: Options, choice: Choice, path: str) -> str:
    return str(options[path][choice[path]].value)[:40]
