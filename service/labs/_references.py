"""What a sheet's parts say of each other: names that lead nowhere, and names that are there twice."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from service import report
from service.domain.field_errors import nearest_first
from service.domain.lab import NAME, Lab, Question


def wrong(lab: Lab) -> list[str]:
    """A sentence for each; none where all is well."""
    found = [f"runs/{name}: must be a name such as 'two-layers'" for name in lab.runs if not re.match(NAME, name)]
    found += [*_twice("questions", (each.id for each in lab.questions))]
    found += _twice("constraints", (each.id for each in lab.constraints))
    for place, question in enumerate(lab.questions):
        found += _of_question(f"questions/{place}", question, tuple(lab.runs))
    return found


def _of_question(place: str, question: Question, runs: Sequence[str]) -> Iterator[str]:
    yield from _unknown(f"{place}/runs", question.runs, runs, what="run")
    for at, verdict in enumerate(question.verdicts):
        yield from _unknown(f"{place}/verdicts/{at}", (verdict.a, verdict.b), question.runs, what="run of the question")
    for at, evidence in enumerate(question.evidence):
        yield from _unknown(f"{place}/evidence/{at}/block", (evidence.block,), report.block_names(), what="block")
        yield from _unknown(
            f"{place}/evidence/{at}/runs", evidence.runs or (), question.runs, what="run of the question"
        )


def _unknown(place: str, names: Iterable[str], allowed: Sequence[str], *, what: str) -> Iterator[str]:
    for name in names:
        if name not in allowed:
            yield f"{place}: unknown {what} {name!r}; allowed: {nearest_first(name, allowed)}"


def _twice(place: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{place}: {name!r} is there {count} times"
