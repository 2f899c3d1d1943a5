"""Runs held against each other: what they differ in, how each went, and which are better."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.analysis import differences, group_verdicts, run_verdicts
from service.analysis.differences import Family
from service.analysis.estimates import estimate, figures
from service.domain.comparison import AlignedSeries, ComparedRun, Comparison, RunGroup, Verdicts
from service.domain.curves import Remark
from service.domain.experiment import Experiment, State


class Answers(NamedTuple):
    """What a run made of its test images."""

    images: str
    """The same for the same images in the same order."""
    right: np.ndarray
    """bool `(n,)`."""


class Subject(NamedTuple):
    """A run with all that is known of it besides its curve."""

    experiment: Experiment
    seconds: float | None
    answers: Answers | None


class Overview(NamedTuple):
    """What a set of runs differ in."""

    settings: list[dict[str, object]]
    differing: tuple[str, ...]
    groups: list[Family]
    group_labels: list[str]
    run_labels: list[str]


def overview(experiments: Sequence[Experiment]) -> Overview:
    """Groups are the families of runs that are the same but for their seed."""
    settings = [differences.settings(each.spec) for each in experiments]
    differing, groups = differences.differing(settings), differences.families(settings)
    names = [frozenset({experiments[member].name for member in group.members}) for group in groups]
    group_labels = differences.labels(names, [group.settings for group in groups])
    return Overview(
        settings=[differences.chosen(each, differing) for each in settings],
        differing=differing,
        groups=groups,
        group_labels=group_labels,
        run_labels=_run_labels(experiments, groups, group_labels),
    )


def _run_labels(experiments: Sequence[Experiment], groups: Sequence[Family], group_labels: Sequence[str]) -> list[str]:
    """Its own name, where no other has it; else its group's, with the seed where that has several."""
    count, found = Counter(each.name for each in experiments), [each.name for each in experiments]
    for group, label in zip(groups, group_labels, strict=True):
        for member in group.members:
            if count[found[member]] > 1:
                found[member] = f"{label} seed={experiments[member].spec.seed}" if len(group.members) > 1 else label
    return differences.told_apart(found)


def compare(
    subjects: Sequence[Subject],
    seen: Overview,
    *,
    series: AlignedSeries | None,
    baseline: str | None,
    runs_beside_groups: bool = True,
) -> Comparison:
    """`seen` is the overview of the same runs; `baseline` the id of one of them.

    Without `runs_beside_groups`, single runs are judged only where there are no groups over seeds to be judged: of
    twenty runs, their 190 pairs take most of the time.
    """
    group_of = {member: number for number, group in enumerate(seen.groups) for member in group.members}
    places = {subject.experiment.id: index for index, subject in enumerate(subjects)}
    counted = [_counted([subjects[member] for member in group.members]) for group in seen.groups]
    candidates = [_candidate(label, members) for label, members in zip(seen.group_labels, counted, strict=True)]
    of_groups, about_groups = group_verdicts.judge(
        candidates, baseline=None if baseline is None else group_of[places[baseline]]
    )
    contenders = _contenders(subjects, seen.run_labels) if runs_beside_groups or not of_groups else []
    of_runs, about_runs = run_verdicts.judge(contenders, baseline=baseline)
    return Comparison(
        differing=seen.differing,
        rows=tuple(_row(subject, seen, index, group_of[index]) for index, subject in enumerate(subjects)),
        series=series,
        groups=tuple(
            _group(label, group, [subjects[member] for member in group.members], members)
            for label, group, members in zip(seen.group_labels, seen.groups, counted, strict=True)
        ),
        verdicts=Verdicts(groups=tuple(of_groups), runs=tuple(of_runs)),
        remarks=(*_left_out(subjects), *about_groups, *about_runs),
    )


def _counted(members: Sequence[Subject]) -> list[Subject]:
    """Those whose figures are final, one a seed: a run that repeats another tells nothing new."""
    by_seed: dict[int, Subject] = {}
    for member in members:
        tested = member.experiment.test is not None and member.experiment.test.accuracy is not None
        if member.experiment.state is State.COMPLETED and tested:
            by_seed.setdefault(member.experiment.spec.seed, member)
    return [*by_seed.values()]


def _row(subject: Subject, seen: Overview, index: int, group: int) -> ComparedRun:
    found = subject.experiment
    return ComparedRun(
        id=found.id,
        name=found.name,
        label=seen.run_labels[index],
        group=group,
        state=found.state,
        diverged=found.diverged,
        settings=seen.settings[index],
        parameters=found.parameters,
        best=found.best,
        last=found.last,
        test=found.test,
        seconds=subject.seconds,
    )


def _group(label: str, group: Family, members: Sequence[Subject], counted: Sequence[Subject]) -> RunGroup:
    runs = [each.experiment for each in counted]
    best, last, test = ([getattr(run, name) for run in runs] for name in ("best", "last", "test"))
    return RunGroup(
        label=label,
        settings=group.settings,
        experiment_ids=tuple(each.experiment.id for each in members),
        seeds=tuple(run.spec.seed for run in runs),
        diverged=sum(each.experiment.diverged for each in members),
        parameters=members[0].experiment.parameters,
        best=figures([each and each.val_accuracy for each in best], [each and each.val_loss for each in best]),
        last=figures([each and each.val_accuracy for each in last], [each and each.val_loss for each in last]),
        test=figures([each.accuracy for each in test], [each.loss for each in test]),
        seconds=estimate(each.seconds for each in counted),
    )


def _candidate(label: str, counted: Sequence[Subject]) -> group_verdicts.Candidate:
    accuracies = {
        each.experiment.spec.seed: each.experiment.test.accuracy
        for each in counted
        if each.experiment.test is not None and each.experiment.test.accuracy is not None
    }
    answers = [each.answers for each in counted if each.answers is not None]
    images = {each.images for each in answers}
    whole = len(answers) == len(counted) and len(images) == 1
    return group_verdicts.Candidate(
        label=label,
        dataset=counted[0].experiment.spec.dataset.name if counted else "",
        accuracies=accuracies,
        images=images.pop() if whole else None,
        share=np.mean([each.right for each in answers], axis=0) if whole else None,
    )


def _contenders(subjects: Sequence[Subject], labels: Sequence[str]) -> list[run_verdicts.Contender]:
    return [
        run_verdicts.Contender(
            id=each.experiment.id,
            label=label,
            images=each.answers.images,
            right=each.answers.right,
        )
        for each, label in zip(subjects, labels, strict=True)
        if each.answers is not None
    ]


def _left_out(subjects: Sequence[Subject]) -> list[Remark]:
    remarks = []
    names = [*dict.fromkeys(each.experiment.spec.dataset.name for each in subjects)]
    if len(names) > 1:
        listed = ", ".join(names)
        remarks.append(
            Remark(
                en=f"Runs on different data sets ({listed}) have read different test images: no verdict between them.",
                fr=f"Les essais sur des données différentes ({listed}) n'ont pas lu les mêmes images de test : aucun "
                "verdict entre eux.",
            )
        )
    unfinished = sum(each.experiment.state is not State.COMPLETED for each in subjects)
    if unfinished:
        remarks.append(
            Remark(
                en=f"Not completed, and so in no mean and no verdict: {unfinished} of {len(subjects)} runs.",
                fr=f"Non terminés, donc dans aucun verdict ni moyenne : {unfinished} essais sur {len(subjects)}.",
            )
        )
    silent = sum(each.experiment.state is State.COMPLETED and each.answers is None for each in subjects)
    if silent:
        remarks.append(
            Remark(
                en=f"Without stored outputs, and so not compared image by image: {silent} of {len(subjects)} runs.",
                fr=f"Sans sorties, donc non comparés image par image : {silent} essais sur {len(subjects)}.",
            )
        )
    return remarks
