"""Picture files that a command is given, and their reading by a network in requests of bounded length."""

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.client import Client
from service.connection import ProblemError
from service.domain.prediction import Prediction, Predictions
from service.domain.registry import ModelPredictions
from service.parcels import MOST_BYTES, MOST_IMAGES

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".pgm"})
ABOUT_THE_IMAGES = frozenset({413, 415, 422})

Group = list[tuple[Path, bytes]]


@dataclass(frozen=True)
class Unread:
    """A picture that there is no prediction for."""

    path: Path
    reason: str


def expanded(given: Iterable[Path]) -> Iterator[Path]:
    """Files as they are, all pictures below a folder, and what a pattern finds that the shell has left as it is."""
    for path in given:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
        elif glob.has_magic(str(path)) and not path.exists():
            yield from map(Path, sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207  # of Path, it takes no absolute pattern
        else:
            yield path


Ask = Callable[[Sequence[bytes], Predictions | None], Predictions]
"""One request; the first answer says which weights are to give all others, too."""


def by_experiment(client: Client, experiment_id: str, *, checkpoint: str) -> Ask:
    """By a checkpoint, whatever becomes the best or the last meanwhile."""

    def ask(images: Sequence[bytes], first: Predictions | None) -> Predictions:
        chosen = checkpoint if first is None else first.checkpoint.epoch
        return client.predict(experiment_id, images, checkpoint=chosen)

    return ask


def by_model(client: Client, named: str) -> Ask:
    """By a registered model: `NAME` is its champion or newest version, `NAME@3` a version, `NAME@next` an alias."""
    model, _, choice = named.partition("@")
    chosen: dict[str, Any] = {"version": int(choice)} if choice.isdecimal() else {"alias": choice or None}

    def ask(images: Sequence[bytes], first: Predictions | None) -> Predictions:
        version = first.model.version if isinstance(first, ModelPredictions) else None
        return client.predict_with(model, images, **(chosen if version is None else {"version": version}))

    return ask


class Reader:
    """Has pictures read by the same weights, in as many requests as it takes."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.first: Predictions | None = None
        """The first answer, which says what the weights are called; None as long as nothing was read."""

    def read(self, paths: Iterable[Path]) -> Iterator[tuple[Path, Prediction | Unread]]:
        """Each in its turn, its prediction called by its path; a file is opened when its request is made."""
        group: Group = []
        for path in paths:
            try:
                content = path.read_bytes()
            except OSError as error:
                yield from self._answered(group)
                group = []
                yield path, Unread(path, (error.strerror or type(error).__name__).lower())
                continue
            if group and (len(group) == MOST_IMAGES or sum(len(each) for _, each in group) + len(content) > MOST_BYTES):
                yield from self._answered(group)
                group = []
            group.append((path, content))
        yield from self._answered(group)

    def _answered(self, group: Group) -> Iterator[tuple[Path, Prediction | Unread]]:
        """A group that is refused is halved until what is wrong is alone."""
        if not group:
            return
        try:
            answer = self._ask([content for _, content in group], self.first)
        except ProblemError as problem:
            if not _is_about_the_images(problem):
                raise
            if len(group) == 1:
                path, _ = group[0]
                yield path, Unread(path, str(problem))
                return
            half = len(group) // 2
            yield from self._answered(group[:half])
            yield from self._answered(group[half:])
            return
        if self.first is None:
            self.first = answer
        for (path, _), prediction in zip(group, answer.predictions, strict=True):
            yield path, prediction.model_copy(update={"name": str(path)})


def _is_about_the_images(problem: ProblemError) -> bool:
    elsewhere = any(error.pointer.startswith(("#/query", "#/path")) for error in problem.errors)
    return problem.status in ABOUT_THE_IMAGES and not elsewhere
