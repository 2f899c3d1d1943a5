"""Comments on learning curves, each by a rule of its own: one file a rule, and the file name is the public kind.

A rule is a module with a function `find(curves, facts)`, which answers a `Finding` of that kind or None, and depends on
nothing else. Its thresholds are constants that come back in the evidence. With `SILENT_AFTER`, kinds that explain what
it sees, it gives way to them. A file beginning with `_` is no rule.

How to read such curves: Goodfellow, Bengio and Courville, Deep Learning (2016), chapters 5, 7, 8 and 11.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Protocol, cast

from service.analysis.findings import _nothing_found
from service.analysis.findings._curves import Curves
from service.analysis.findings._facts import Facts
from service.domain.curves import Finding, Severity
from service.domain.experiment import Experiment
from service.domain.metrics import EpochMetrics

_GRAVEST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.INFO)


class _Rule(Protocol):
    """What a module in this folder offers."""

    def find(self, curves: Curves, facts: Facts) -> Finding | None: ...


@cache
def kinds() -> tuple[str, ...]:
    """What the rules look for, sorted."""
    return tuple(sorted(file.name for file in pkgutil.iter_modules(__path__) if not file.name.startswith("_")))


def comment(experiment: Experiment, epochs: Sequence[EpochMetrics]) -> tuple[Finding, ...]:
    """All that there is to say of the epochs until now, the gravest first; never nothing.

    Where no rule finds a problem, it is said whether there is none or whether the epochs are too few for that. The same
    rows give the same comments.
    """
    return examine(Curves.of(epochs), Facts.of(experiment))


def examine(curves: Curves, facts: Facts) -> tuple[Finding, ...]:
    """As `comment`, of what the rules are given."""
    found = {kind: finding for kind in kinds() if (finding := _rule(kind).find(curves, facts)) is not None}
    said = [finding for kind, finding in found.items() if not _silent_after(kind) & found.keys()]
    if all(finding.severity is Severity.INFO for finding in said):
        said.append(_nothing_found.find(curves, facts))
    return tuple(sorted(said, key=lambda each: (_GRAVEST_FIRST.index(each.severity), each.epochs, each.kind)))


def _silent_after(kind: str) -> frozenset[str]:
    return frozenset(getattr(_rule(kind), "SILENT_AFTER", ()))


@cache
def _rule(kind: str) -> _Rule:
    return cast("_Rule", importlib.import_module(f"{__name__}.{kind}"))
