"""In which settings runs differ, which of them are the same but for their seed, and what to call each."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from service.domain.cohort import LABELS
from service.domain.spec import ExperimentSpec

Settings = Mapping[str, Any]
"""By path, such as `activation` and `architecture.hidden`."""

_ABSENT = object()


class Family(NamedTuple):
    """Runs whose specs are the same but for some of their settings."""

    settings: dict[str, Any]
    """Those of all its runs, where other families have others."""
    members: tuple[int, ...]
    """Places among the specs."""


@lru_cache(maxsize=1024)
def settings(spec: ExperimentSpec) -> Settings:
    """All of it by path, but what is a label and changes no number."""
    return dict(_flat(spec.model_dump(mode="json", exclude=LABELS)))


def differing(all_settings: Sequence[Settings]) -> tuple[str, ...]:
    """Paths that not all have, or not with one value, in the order of the spec."""
    paths = dict.fromkeys(path for each in all_settings for path in each)
    first, *others = all_settings or ({},)
    return tuple(
        path
        for path in paths
        if not all(_is_same(each.get(path, _ABSENT), first.get(path, _ABSENT)) for each in others)
    )


def families(all_settings: Sequence[Settings], *, but_for: frozenset[str] = frozenset({"seed"})) -> list[Family]:
    """Divided by every setting but these, in the order in which they first come."""
    varied = [path for path in differing(all_settings) if path not in but_for]
    members: dict[tuple[str, ...], list[int]] = {}
    for index, each in enumerate(all_settings):
        members.setdefault(tuple(_text(each.get(path, _ABSENT)) for path in varied), []).append(index)
    return [Family(chosen(all_settings[found[0]], varied), tuple(found)) for found in members.values()]


def chosen(of: Settings, paths: Sequence[str]) -> dict[str, Any]:
    """Those of the paths that it has."""
    return {path: of[path] for path in paths if path in of}


def labels(names: Sequence[frozenset[str]], found: Sequence[Settings]) -> list[str]:
    """One for each: its name where it has a single one that no other has, else its settings; never the same twice."""
    counts = Counter(name for each in names for name in each)
    given = []
    for each, own in zip(names, found, strict=True):
        name = next(iter(each)) if len(each) == 1 else None
        given.append(name if name is not None and counts[name] == 1 else described(own) or name or "all")
    return told_apart(given)


def described(own: Settings) -> str:
    """Such as `activation=relu architecture.hidden=[64]`."""
    return " ".join(f"{path}={value if isinstance(value, str) else _text(value)}" for path, value in own.items())


def told_apart(given: Sequence[str]) -> list[str]:
    """Numbered where there are several of one."""
    counts, seen = Counter(given), Counter[str]()
    result = []
    for label in given:
        seen[label] += 1
        result.append(f"{label} ({seen[label]})" if counts[label] > 1 else label)
    return result


def _flat(node: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in node.items():
        found += _flat(value, f"{above}{key}.") if isinstance(value, dict) else [(f"{above}{key}", value)]
    return found


def _is_same(a: object, b: object) -> bool:
    """By their texts; where they are one object, or plain values of one type, without writing these."""
    if a is b:
        return True
    return a == b if type(a) is type(b) and isinstance(a, (str, int, float)) else _text(a) == _text(b)


def _text(value: object) -> str:
    """As in JSON, so that 1, 1.0 and true are three; a comparison has thousands of them."""
    if value is _ABSENT:
        return ""
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value) if type(value) in (int, float) else json.dumps(value, separators=(",", ":"))
