"""The typed client: answers are the frozen records of `service.domain`, problem answers a `ProblemError`.

The command line is built on it, and so can be any program: nothing of the server and nothing heavy is imported.
"""

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

from service import parcels
from service.connection import (
    ClientError,
    Connection,
    ProblemError,
    UnexpectedAnswerError,
    UnreachableError,
    patiently,
)
from service.domain.access import Share
from service.domain.catalogue import Catalogue, DatasetCatalogue, PresetList
from service.domain.checkpoint import CheckpointList
from service.domain.comparison import Comparison
from service.domain.curves import FindingList, LearningCurves
from service.domain.evaluation import Evaluation, EvaluationList, EvaluationTable
from service.domain.experiment import Experiment, ExperimentPage, State
from service.domain.export import EXPORT_PATHS, ExportFormat
from service.domain.history import History
from service.domain.lab_answers import LabAccepted, LabCheck, LabList
from service.domain.metrics import EpochMetrics, EpochPage
from service.domain.note import Note, NotePage
from service.domain.prediction import Predictions
from service.domain.preview import Preview
from service.domain.record import Record
from service.domain.registry import Alias, ModelList, ModelPredictions, ModelVersion, RegisteredModel
from service.domain.run import QueueFacts, WorkerList
from service.domain.spec import ExperimentSpec
from service.domain.sweep import Sweep, SweepAccepted, SweepRequest
from service.domain.train_size import TrainSizes
from service.parcels import Image

__all__ = [
    "Client", "ClientError", "Filters", "Image", "ProblemError", "UnexpectedAnswerError",
    "UnreachableError",
]  # fmt: skip

Parts = TypeVar("Parts", bound=Predictions)

LONG_POLL_SECONDS = 20.0
LARGEST_PAGE = 200
EXPORT_SECONDS = 120.0
"""A package of `torch.export` is made by a process that takes seconds to start, more on a busy machine."""
REPORT_SECONDS = 120.0
"""That a report may take beyond the usual, where workers keep all cores busy."""

Kind = Literal["augmentations", "architectures", "activations", "optimizers", "schedules"]


class Filters(TypedDict, total=False):
    """What a list can be narrowed by; `name` matches any part of a name."""

    state: State | None
    dataset: str | None
    architecture: str | None
    activation: str | None
    tag: str | None
    sweep_id: str | None
    owner: str | None
    name: str | None


class Client:
    """A connection to one service; usable as a context manager.

    Every method raises `ProblemError` for a problem answer, `UnreachableError` where none comes.
    """

    def __init__(
        self, base_url: str, *, owner: str | None = None, token: str | None = None, timeout: float = 30.0
    ) -> None:
        """`timeout` in seconds is for one answer; `owner` is whom new experiments belong to, on an open service.

        Where no `token` is given, it is that of the environment's `ARDOISE_TOKEN`, if there is one.
        """
        token = token or os.environ.get("ARDOISE_TOKEN") or None
        self._connection = Connection(base_url, owner=owner, token=token, timeout=timeout)
        self._read, self._send = self._connection.read, self._connection.send

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def submit(self, spec: Mapping[str, Any] | ExperimentSpec, *, idempotency_key: str | None = None) -> Experiment:
        """Enqueue; when this returns, the experiment is stored. The same key and spec again answer the same one."""
        headers = _idempotent(idempotency_key)
        return self._read(Experiment, "POST", "/v1/experiments", json=_body(spec), headers=headers)

    def preview(self, spec: Mapping[str, Any] | ExperimentSpec) -> Preview:
        """What `submit` would enqueue: the spec with every default written out, and its network; nothing is stored."""
        return self._read(Preview, "POST", "/v1/experiments", json=_body(spec), params={"dry_run": "true"})

    def sweep(self, request: Mapping[str, Any] | SweepRequest, *, idempotency_key: str | None = None) -> SweepAccepted:
        """Enqueue a `base` with every combination of a `grid`'s values, `random` samples and `seeds`, all or none.

        The keys of `grid` and `random` are fields of a spec, such as `activation` and `architecture.hidden`.
        """
        headers = _idempotent(idempotency_key)
        return self._read(SweepAccepted, "POST", "/v1/sweeps", json=_body(request), headers=headers)

    def get_sweep(self, sweep_id: str) -> Sweep:
        """How many of a sweep are in which state, and its experiments in their order."""
        return self._read(Sweep, "GET", f"/v1/sweeps/{quote(sweep_id, safe='')}")

    def cancel_sweep(self, sweep_id: str) -> Sweep:
        """All of a sweep that wait or run."""
        return self._read(Sweep, "POST", f"/v1/sweeps/{quote(sweep_id, safe='')}/cancel")

    def get(self, experiment_id: str) -> Experiment:
        """One experiment."""
        return self._read(Experiment, "GET", _path(experiment_id))

    def page(
        self, *, sort: str = "-created_at", limit: int = 50, cursor: str | None = None, **filters: Unpack[Filters]
    ) -> ExperimentPage:
        """One page of the list, of at most 200."""
        query = {"sort": sort, "limit": limit, "cursor": cursor, **filters}
        given = {key: value for key, value in query.items() if value is not None}
        return self._read(ExperimentPage, "GET", "/v1/experiments", params=given)

    def iterate(
        self, *, sort: str = "-created_at", limit: int | None = None, **filters: Unpack[Filters]
    ) -> Iterator[Experiment]:
        """All that match, or the first `limit`, page after page."""
        cursor, left = None, limit
        while left is None or left > 0:
            size = LARGEST_PAGE if left is None else min(left, LARGEST_PAGE)
            page = self.page(sort=sort, limit=size, cursor=cursor, **filters)
            yield from page.items
            left = None if left is None else left - len(page.items)
            if (cursor := page.next_cursor) is None:
                return

    def metrics(self, experiment_id: str, *, after_epoch: int = 0, wait: float = 0) -> EpochPage:
        """The rows after an epoch; with `wait` seconds, held until there is one or the run has ended."""
        query = {"after_epoch": after_epoch} | ({"wait": wait} if wait else {})
        return self._read(EpochPage, "GET", _path(experiment_id, "metrics"), params=query, wait=wait)

    def watch(
        self, experiment_id: str, *, after_epoch: int = 0, patience: float = 60.0
    ) -> Iterator[Experiment | EpochMetrics]:
        """The experiment now and whenever its state has changed, and each epoch once; the last is the ended experiment.

        A service that restarts on the way is waited for, up to `patience` seconds each time.
        """
        current = partial(patiently, partial(self.get, experiment_id), patience=patience)
        yield (experiment := self.get(experiment_id))
        while True:
            newer = partial(self.metrics, experiment_id, after_epoch=after_epoch, wait=LONG_POLL_SECONDS)
            page = patiently(newer, patience=patience)
            if page.state is not experiment.state and not page.state.ended:
                yield (experiment := current())
            for row in page.items:
                yield row
                after_epoch = row.epoch
            if page.state.ended and not page.items:
                yield current()
                return

    def cancel(self, experiment_id: str) -> Experiment:
        """At once where it is queued; a running one ends within a second or with its batch."""
        return self._read(Experiment, "POST", _path(experiment_id, "cancel"))

    def delete(self, experiment_id: str) -> None:
        """Remove it with its metrics and files."""
        self._send("DELETE", _path(experiment_id))

    def continue_(self, experiment_id: str, *, epochs: int) -> Experiment:
        """Train a finished one for so many epochs more."""
        return self._read(Experiment, "POST", _path(experiment_id, "continue"), json={"epochs": epochs})

    def reproduce(self, experiment_id: str) -> Experiment:
        """The same spec again, to be held against this one; the new experiment."""
        return self._read(Experiment, "POST", _path(experiment_id, "reproduce"))

    def history(self, experiment_id: str) -> History:
        """What has happened to it: when it waited, who had it, why it was lost, how it ended."""
        return self._read(History, "GET", _path(experiment_id, "history"))

    def curves(self, experiment_id: str) -> LearningCurves:
        """The learning curves as numbers."""
        return self._read(LearningCurves, "GET", _path(experiment_id, "learning-curves"))

    def curves_file(self, experiment_id: str, format: Literal["png", "svg", "csv"]) -> bytes:  # noqa: A002  # as in the query
        """The learning curves as a picture or a table."""
        return self._send("GET", _path(experiment_id, f"learning-curves.{format}")).content

    def findings(self, experiment_id: str) -> FindingList:
        """What the rules find in its learning curves."""
        return self._read(FindingList, "GET", _path(experiment_id, "findings"))

    def note(self, experiment_id: str, text: str, *, example: tuple[bytes | Path, int] | None = None) -> Note:
        """Write a note about it; the author is the connection's owner. An `example` is a picture and what it is of."""
        body: dict[str, object] = {"text": text}
        if example is not None:
            image, label = example
            content = image.read_bytes() if isinstance(image, Path) else image
            body["example"] = {"image": base64.b64encode(content).decode(), "label": label}
        return self._read(Note, "POST", _path(experiment_id, "notes"), json=body)

    def notes(self, experiment_id: str) -> Iterator[Note]:
        """All that has been written about it, the newest last, page after page."""
        query: dict[str, str | int] = {"limit": LARGEST_PAGE}
        while True:
            page = self._read(NotePage, "GET", _path(experiment_id, "notes"), params=query)
            yield from page.items
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor

    def delete_note(self, experiment_id: str, note_id: str) -> None:
        """Remove a note."""
        self._send("DELETE", _path(experiment_id, "notes", note_id))

    def compare(
        self, experiment_ids: Iterable[str] = (), *, sweep_id: str | None = None, baseline: str | None = None,
        series: bool = True,
    ) -> Comparison:  # fmt: skip
        """These runs, or those of a sweep, held against each other; with a `baseline`, all against this one."""
        query = {**_runs(experiment_ids, sweep_id), "baseline": baseline, "series": str(series).lower()}
        given = {key: value for key, value in query.items() if value is not None}
        return self._read(Comparison, "GET", "/v1/comparisons", params=given)

    def train_sizes(self, experiment_ids: Iterable[str] = (), *, sweep_id: str | None = None) -> TrainSizes:
        """How the test error of these runs, or of those of a sweep, falls with the number of training images."""
        return self._read(TrainSizes, "GET", "/v1/comparisons/train-size", params=_runs(experiment_ids, sweep_id))

    def checkpoints(self, experiment_id: str) -> CheckpointList:
        """What can be predicted from."""
        return self._read(CheckpointList, "GET", _path(experiment_id, "checkpoints"))

    def weights(self, experiment_id: str, checkpoint: str | int = "best") -> bytes:
        """The weights after the best, the last or a numbered epoch, as a safetensors file."""
        return self._send("GET", _path(experiment_id, "checkpoints", str(checkpoint), "weights")).content

    def export(
        self,
        experiment_id: str,
        format: ExportFormat | str = ExportFormat.ONNX,  # noqa: A002  # as on the command line
        *,
        checkpoint: str | int = "best",
    ) -> bytes:
        """The network as a file that runs without Ardoise: `onnx`, `safetensors` with its description, or `pt2`."""
        path = _path(experiment_id, "checkpoints", str(checkpoint), EXPORT_PATHS[ExportFormat(format)])
        return self._send("GET", path, wait=EXPORT_SECONDS).content

    def archive(self, experiment_id: str) -> bytes:
        """All that is known of the run, in any state, as a zip file; its weights are another file."""
        return self._send("GET", _path(experiment_id, "export")).content

    def predict(self, experiment_id: str, images: Iterable[Image], *, checkpoint: str | int = "best") -> Predictions:
        """Read any number of digits, answered in the order of the images. Files travel as they are, pixels as JSON."""
        return _together(self.predict_in_parts(experiment_id, images, checkpoint=checkpoint))

    def predict_in_parts(
        self, experiment_id: str, images: Iterable[Image], *, checkpoint: str | int = "best"
    ) -> Iterator[Predictions]:
        """As `predict`, part by part: an image is opened when its part's turn comes.

        All are read by the weights that read the first part, whatever becomes the best or the last meanwhile.
        """
        path = _path(experiment_id, "predictions")
        for body in parcels.bodies(images):
            answer = self._read(Predictions, "POST", path, params={"checkpoint": str(checkpoint)}, **body)
            checkpoint = answer.checkpoint.epoch
            yield answer

    def add_version(
        self, model: str, experiment_id: str, *, checkpoint: str | int = "best", description: str | None = None
    ) -> ModelVersion:
        """Register weights as the next version of a model; of the same weights as the newest, that one is answered."""
        body = {"experiment_id": experiment_id, "checkpoint": str(checkpoint), "description": description}
        return self._read(ModelVersion, "PUT", _model(model), json=body)

    def models(self) -> ModelList:
        """The registered models, each with its newest version."""
        return self._read(ModelList, "GET", "/v1/models")

    def model(self, model: str) -> RegisteredModel:
        """One with all its versions, the newest first."""
        return self._read(RegisteredModel, "GET", _model(model))

    def delete_model(self, model: str, *, version: int | None = None) -> None:
        """Remove one version, or the model with all; refused while an alias points at what would go."""
        self._send("DELETE", _model(model) if version is None else _model(model, "versions", str(version)))

    def set_alias(self, model: str, alias: str, version: int) -> Alias:
        """Let an alias such as `champion` point at a version."""
        return self._read(Alias, "PUT", _model(model, "aliases", alias), json={"version": version})

    def roll_back(self, model: str, alias: str) -> Alias:
        """Let it point at what it pointed at before."""
        return self._read(Alias, "POST", _model(model, "aliases", alias, "rollback"))

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; the version stays."""
        self._send("DELETE", _model(model, "aliases", alias))

    def predict_with(
        self, model: str, images: Iterable[Image], *, version: int | None = None, alias: str | None = None
    ) -> ModelPredictions:
        """As `predict`: by this version or alias, else by the champion, else by the newest version."""
        return _together(self.predict_with_in_parts(model, images, version=version, alias=alias))

    def predict_with_in_parts(
        self, model: str, images: Iterable[Image], *, version: int | None = None, alias: str | None = None
    ) -> Iterator[ModelPredictions]:
        """As `predict_in_parts`: the version that reads the first part reads all."""
        query = {"version": version, "alias": alias}
        for body in parcels.bodies(images):
            given = {key: str(value) for key, value in query.items() if value is not None}
            answer = self._read(ModelPredictions, "POST", _model(model, "predictions"), params=given, **body)
            query = {"version": answer.model.version}
            yield answer

    def evaluate(
        self,
        experiment_id: str,
        dataset: str,
        *,
        checkpoint: str | int = "best",
        framing: Literal["recorded", "none"] = "recorded",
    ) -> Evaluation:
        """Enqueue weights for another data set's test split."""
        body = {"dataset": dataset, "checkpoint": str(checkpoint), "framing": framing}
        return self._read(Evaluation, "POST", _path(experiment_id, "evaluations"), json=body)

    def evaluation(self, experiment_id: str, evaluation_id: str, *, wait: float = 0) -> Evaluation:
        """One evaluation; with `wait` seconds, held until it has ended."""
        query = {"wait": wait} if wait else {}
        path = _path(experiment_id, "evaluations", evaluation_id)
        return self._read(Evaluation, "GET", path, params=query, wait=wait)

    def evaluated(self, evaluation: Evaluation, *, patience: float = 60.0) -> Evaluation:
        """The same once it has ended; a service that restarts meanwhile is waited for as in `watch`."""
        later = partial(self.evaluation, evaluation.experiment_id, evaluation.id, wait=LONG_POLL_SECONDS)
        while not evaluation.state.ended:
            evaluation = patiently(later, patience=patience)
        return evaluation

    def evaluations(self, experiment_id: str) -> EvaluationList:
        """Those of one experiment, the newest first."""
        return self._read(EvaluationList, "GET", _path(experiment_id, "evaluations"))

    def evaluation_table(self, experiment_ids: Iterable[str]) -> EvaluationTable:
        """These experiments against all data sets that one of them was evaluated on."""
        return self._read(EvaluationTable, "GET", "/v1/evaluations", params={"ids": ",".join(experiment_ids)})

    def datasets(self) -> DatasetCatalogue:
        """The data sets that a spec can name."""
        return self._read(DatasetCatalogue, "GET", "/v1/datasets")

    def catalogue(self, kind: Kind) -> Catalogue:
        """What else a spec can name, each with the JSON Schema of its options."""
        return self._read(Catalogue, "GET", f"/v1/{kind}")

    def presets(self) -> PresetList:
        """The ready specs; `submit({"preset": NAME, ...})` submits one with other fields on top of it."""
        return self._read(PresetList, "GET", "/v1/presets")

    def labs(self) -> LabList:
        """The lab sheets."""
        return self._read(LabList, "GET", "/v1/labs")

    def run_lab(
        self,
        name: str,
        *,
        offline: bool = False,
        runs: Iterable[str] | None = None,
        idempotency_key: str | None = None,
    ) -> LabAccepted:
        """Enqueue all runs of a sheet, or some, as one sweep."""
        body = {"offline": offline} | ({} if runs is None else {"runs": [*runs]})
        headers = _idempotent(idempotency_key)
        return self._read(LabAccepted, "POST", _lab_path(name, "runs"), json=body, headers=headers)

    def check_lab(self, name: str, experiment_ids: Iterable[str]) -> LabCheck:
        """Which of a sheet's constraints experiments keep to."""
        return self._read(LabCheck, "GET", _lab_path(name, "check"), params={"ids": ",".join(experiment_ids)})

    def lab_report(
        self,
        name: str,
        experiment_ids: Iterable[str] = (),
        *,
        sweep_id: str | None = None,
        lang: Literal["en", "fr"] = "en",
    ) -> bytes:
        """The report on these experiments, or on those of a sweep, as one HTML file."""
        which = {"ids": ",".join(experiment_ids)} if sweep_id is None else {"sweep_id": sweep_id}
        answer = self._send("GET", _lab_path(name, "report"), wait=REPORT_SECONDS, params={**which, "lang": lang})
        return answer.content

    def share(self, view: str = "#/experiments", *, expires_days: int = 30) -> Share:
        """A link to the dashboard that only reads; what it shows is the part of the address from `#` on."""
        return self._read(Share, "POST", "/v1/shares", json={"view": view, "expires_days": expires_days})

    def revoke_share(self, share_id: str) -> None:
        """The link opens nothing any more."""
        self._send("DELETE", f"/v1/shares/{quote(share_id, safe='')}")

    def queue(self) -> QueueFacts:
        """What waits and what runs."""
        return self._read(QueueFacts, "GET", "/v1/queue")

    def workers(self) -> WorkerList:
        """Who is there to train."""
        return self._read(WorkerList, "GET", "/v1/workers")

    def ready(self) -> bool:
        """True where experiments are accepted and trained."""
        try:
            self._send("GET", "/readyz")
        except ProblemError as problem:
            if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
                return False
            raise
        return True


def _model(model: str, *parts: str) -> str:
    return "/".join(("/v1/models", *(quote(part, safe="") for part in (model, *parts))))


def _path(experiment_id: str, *parts: str) -> str:
    return "/".join(("/v1/experiments", *(quote(part, safe="") for part in (experiment_id, *parts))))


def _runs(experiment_ids: Iterable[str], sweep_id: str | None) -> dict[str, str]:
    return {"ids": ",".join(experiment_ids)} if sweep_id is None else {"sweep_id": sweep_id}


def _lab_path(name: str, part: str) -> str:
    return f"/v1/labs/{quote(name, safe='')}/{part}"


def _idempotent(key: str | None) -> dict[str, bytes]:
    return {} if key is None else {"Idempotency-Key": key.encode()}


def _body(sent: Mapping[str, Any] | Record) -> dict[str, Any]:
    return sent.model_dump(mode="json") if isinstance(sent, Record) else dict(sent)


def _together(parts: Iterable[Parts]) -> Parts:
    first, *others = parts
    rest = (prediction for part in others for prediction in part.predictions)
    return first.model_copy(update={"predictions": (*first.predictions, *rest)})
