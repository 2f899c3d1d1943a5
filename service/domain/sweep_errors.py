"""Where in the request of a sweep that is which is wrong with one of its experiments."""

from collections.abc import Sequence
from typing import NamedTuple

from service.domain.field_errors import pointer
from service.domain.sweep import Choice, SweepRequest
from service.errors import FieldError

_ABOUT_A_PLACE = frozenset({"missing", "unknown_field", "unknown_name", "wrong_type"})
"""Codes of errors about what stands at their pointer; any other may be about what lies below it, taken together."""


class Wrong(NamedTuple):
    """An error by its place in the request; `path` where that is a value of the grid."""

    pointer: str
    path: str | None
    detail: str
    code: str


def place(error: FieldError, request: SweepRequest, choice: Choice) -> Wrong:
    """The value of the grid that the error is about, else what is at fault in the base."""
    at = error.pointer.removeprefix("#").removeprefix("/")
    chosen = {path.replace(".", "/"): path for path in choice}
    above = [each for each in chosen if f"{at}/".startswith(f"{each}/")]
    below = [each for each in chosen if each.startswith(f"{at}/")] if error.code not in _ABOUT_A_PLACE else []
    if above:
        nearest = max(above, key=len)
        path: str | None = chosen[nearest]
        rest, given = at[len(nearest) + 1 :], request.grid[chosen[nearest]][choice[chosen[nearest]]]
    elif len(below) == 1:
        path, rest, given = chosen[below[0]], "", None
    else:
        field, _, rest = at.partition("/")
        path, given = None, request.base.get(field)
    start = f"#/base/{field}" if path is None else pointer(("grid", path, choice[path]))
    if isinstance(given, str) and rest == "name":  # a name that became an object so that a field could be set
        rest = ""
    return Wrong(f"{start}/{rest}" if rest else start, path, error.detail, error.code)


def told(wrong: Wrong, request: SweepRequest, where: Sequence[Choice], looked_at: Sequence[Choice]) -> FieldError:
    """The error; where it came up with some values of the other paths only, the first of these with it."""
    path, first = wrong.path, where[0]
    alike = sum(path is None or choice[path] == first[path] for choice in looked_at)
    others = [other for other in first if other != path]
    detail = wrong.detail
    if len(where) < alike:
        detail += "; with " + ", ".join(f"{other} {str(request.grid[other][first[other]])[:40]}" for other in others)
    return FieldError(pointer=wrong.pointer, detail=detail, code=wrong.code)
