"""The page: every question of a sheet with what its runs say, and the lines that made it."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from service import report
from service.domain.experiment import Experiment, State
from service.domain.lab import Evidence, Lab, Language, Question
from service.errors import ArdoiseError
from service.report import curl, judgements
from service.report.parts import Paragraph, Part
from service.report.view import Shown, Sources, View
from service.report.words import Words

TEMPLATES = Path(__file__).parent / "templates"
OWN_EVIDENCE = ("results", "curves", "findings", "constraints")
"""What is shown of experiments that the sheet has not made."""


@dataclass(frozen=True)
class Block:
    """One piece of evidence."""

    title: str
    parts: tuple[Part, ...]
    calls: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """One question with its answer."""

    id: str
    title: str
    paragraphs: tuple[str, ...]
    theory: tuple[str, ...]
    verdicts: tuple[str, ...]
    unfinished: tuple[str, ...]
    blocks: tuple[Block, ...]
    made_by: tuple[str, ...]
    ids: str
    """Of its experiments, as the calls have them in `$IDS`."""

    @property
    def calls(self) -> tuple[str, ...]:
        """Each once."""
        found = dict.fromkeys(call for block in self.blocks for call in block.calls)
        return tuple(call.replace(self.ids, "$IDS") if self.ids else call for call in found)


@dataclass(frozen=True)
class Work:
    """What a report is of."""

    name: str
    lab: Lab
    runs: Mapping[str, Sequence[Experiment]]
    """Those that the sheet has made, by the name of the run."""
    own: Sequence[Experiment]
    """Others."""
    made_by: Mapping[str, str]
    """The line that submits a run alone, by its name."""
    offline: bool


def render(work: Work, sources: Sources, *, language: Language, url: str) -> str:
    """The HTML, with its style and its pictures in it; what is missing says so in its place."""
    words = Words(language)
    sections = [_section(question, work, sources, words) for question in work.lab.questions]
    if work.own:
        sections.append(_own(work, sources, words))
    everything = [each for several in work.runs.values() for each in several] + [*work.own]
    page = _environment().get_template("page.html.jinja")
    return page.render(
        words=words,
        language=language,
        lab=work.lab,
        name=work.name,
        url=url,
        sections=sections,
        facts=_facts(everything, words),
        note=_stand_in(everything, words) if work.offline else None,
        alone=[(words.of(work.lab.runs[run].label), line) for run, line in work.made_by.items()],
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def prepare() -> None:
    """What the first report needs and no other answer does: every block, and the templates, which are compiled once."""
    for name in report.block_names():
        _module(name)
    for template in _environment().list_templates(extensions=["jinja"]):
        _environment().get_template(template)


def _module(block: str) -> Any:
    return importlib.import_module(f"service.report.blocks.{block}")


def _section(question: Question, work: Work, sources: Sources, words: Words) -> Section:
    runs = {
        run: Shown(words.of(work.lab.runs[run].label), tuple(work.runs[run]))
        for run in question.runs
        if work.runs.get(run)
    }
    view = View(runs=runs, words=words, sources=sources, constraints=work.lab.constraints)
    return Section(
        id=question.id,
        title=words.of(question.title),
        paragraphs=_paragraphs(words.of(question.text)),
        theory=() if question.theory is None else _paragraphs(words.of(question.theory)),
        verdicts=tuple(_verdicts(question, view)),
        unfinished=(*_missing(question, work, words), *_unfinished(view)),
        blocks=tuple(_block(each, view, work.name) for each in question.evidence if _chosen(each, view).runs),
        made_by=_submitted(work, tuple(runs)),
        ids=",".join(view.ids),
    )


def _submitted(work: Work, runs: Sequence[str]) -> tuple[str, ...]:
    """The line that submits these runs of the sheet anew."""
    body = ({"offline": True} if work.offline else {}) | {"runs": [*runs]}
    return (curl.post(f"/v1/labs/{work.name}/runs", body),) if runs else ()


def _own(work: Work, sources: Sources, words: Words) -> Section:
    shown = {each.id: Shown(each.name, (each,)) for each in work.own}
    view = View(runs=shown, words=words, sources=sources, constraints=work.lab.constraints)
    return Section(
        id="own",
        title=words.pick("Networks beside the sheet", "Réseaux hors du sujet"),
        paragraphs=(
            words.pick(
                "These experiments were named for this report and are none of the sheet's own.",
                "Ces essais ont été nommés pour ce rapport et ne sont pas de ceux que le sujet demande.",
            ),
        ),
        theory=(),
        verdicts=(),
        unfinished=tuple(_unfinished(view)),
        blocks=tuple(_block(Evidence(block=name), view, work.name) for name in OWN_EVIDENCE),
        made_by=(),
        ids=",".join(view.ids),
    )


def _chosen(evidence: Evidence, view: View) -> View:
    if evidence.runs is None:
        return view
    runs = {run: shown for run, shown in view.runs.items() if run in evidence.runs}
    return View(runs=runs, words=view.words, sources=view.sources, constraints=view.constraints)


def _block(evidence: Evidence, whole: View, lab: str) -> Block:
    module = _module(evidence.block)
    view, words = _chosen(evidence, whole), whole.words
    try:
        parts = tuple(module.build(view))
        calls = tuple(call.replace("{lab}", lab) for call in module.calls(view))
    except ArdoiseError as error:
        why = words.pick(f"Not to be had: {error.message}.", f"Indisponible : {error.message}.")
        parts, calls = (Paragraph(why, role="problem"),), ()
    if not parts:
        none = words.pick("No run of this is finished.", "Aucun de ces essais n'est terminé.")
        parts = (Paragraph(none, role="problem"),)
    return Block(title=words.of(module.TITLE), parts=parts, calls=calls)


def _verdicts(question: Question, view: View) -> Iterator[str]:
    """The report's own answer, where the sheet asks which of two is better."""
    asked = [each for each in question.verdicts if {each.a, each.b} <= set(view.runs)]
    for each, found in zip(asked, judgements.planned(view, asked), strict=True):
        if found is not None:
            yield judgements.sentence(found, view.words)
            continue
        a, b = view.runs[each.a].label, view.runs[each.b].label
        yield view.words.pick(
            f"“{a}” and “{b}” cannot be judged: too few of their runs are finished.",
            f"« {a} » et « {b} » ne peuvent être jugés : trop peu de leurs essais sont terminés.",
        )


def _missing(question: Question, work: Work, words: Words) -> Iterator[str]:
    missing = [words.of(work.lab.runs[run].label) for run in question.runs if not work.runs.get(run)]
    if missing:
        names = ", ".join(missing)
        plural = "s" if len(missing) > 1 else ""
        yield words.pick(
            f"Not among the runs of this report: {names}.", f"Absent{plural} des essais de ce rapport : {names}."
        )


def _unfinished(view: View) -> Iterator[str]:
    """A sentence for each run that is not there to be judged."""
    words = view.words
    for shown in view.runs.values():
        for each in shown.experiments:
            what = f"{shown.label}, {words.pick('seed', 'graine')} {each.spec.seed}{words.colon()}"
            if each.state is not State.COMPLETED:
                epochs = f"{words.pick('epoch', 'époque')} {each.progress.epoch}/{each.progress.epochs}"
                why = "" if each.error is None else f" ({each.error.type}: {each.error.message})"
                yield f"{what} {words.state(each.state)}, {epochs}{why}."
            elif each.diverged:
                yield f"{what} " + words.pick("its loss diverged.", "sa perte a divergé.")


def _stand_in(found: Sequence[Experiment], words: Words) -> str:
    names = ", ".join(sorted({each.spec.dataset.name for each in found}))
    return words.pick(
        f"Offline variant: what is on this machine ({names}) stands in for the data of the questions and of the names.",
        f"Variante hors ligne : ce qui se trouve sur cette machine ({names}) tient lieu des données que disent les "
        "questions et les noms.",
    )


def _facts(everything: Sequence[Experiment], words: Words) -> list[tuple[str, str]]:
    done = [each for each in everything if each.state is State.COMPLETED]
    seconds = sum((each.finished_at - each.started_at).total_seconds() for each in done
                  if each.finished_at is not None and each.started_at is not None)  # fmt: skip
    machines = {_machine(each) for each in done if each.environment}
    newest = max((each.finished_at for each in done if each.finished_at is not None), default=None)
    finished = words.pick(f"{len(done)} finished", f"dont {len(done)} terminés")
    datasets = dict.fromkeys(each.spec.dataset.name for each in everything)
    ended = "" if newest is None else f"{newest:%Y-%m-%d %H:%M} UTC"
    found = [
        (words.pick("runs", "essais"), f"{len(everything)}, {finished}"),
        (words.pick("data sets", "jeux de données"), ", ".join(datasets)),
        (
            words.pick("seconds of training", "secondes d'apprentissage"),
            words.decimal(seconds, 0),
        ),
        (words.pick("computed with", "calculé avec"), "; ".join(sorted(machines))),
        (words.pick("last run ended", "dernier essai terminé"), ended),
    ]
    return [(label, value) for label, value in found if value]


def _machine(experiment: Experiment) -> str:
    facts = experiment.environment or {}
    return f"torch {facts.get('torch', '?')}, {facts.get('device', '?')}"


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
