"""One example for every JSON body of the API, by the name of its schema in the OpenAPI document.

They are built from the records themselves, so that an example can neither misspell a field nor forget one.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from service import catalogue
from service.api import (
    access_examples,
    comparison_examples,
    diagnostics_examples,
    evaluation_examples,
    inside_examples,
    judged_examples,
    lab_examples,
    model_examples,
    open_inference_examples,
)
from service.domain.catalogue import Catalogue, DatasetCatalogue, PresetList
from service.domain.checkpoint import CheckpointList, CheckpointListing
from service.domain.curves import (
    CurveSeries,
    Finding,
    FindingList,
    GrowingCurve,
    GrowingCurves,
    LearningCurves,
    Remark,
    Severity,
)
from service.domain.examination import Distance, ExaminedPrediction, ExaminedPredictions, SeenPreprocessing, Verdict
from service.domain.experiment import (
    BestEpoch,
    Experiment,
    ExperimentPage,
    LastEpoch,
    Progress,
    State,
    links,
)
from service.domain.health import Health
from service.domain.history import Event, EventKind, History
from service.domain.ledger import Formula, LayerFacts, Ledger, NetworkFunction
from service.domain.linearity import LinearCollapse
from service.domain.metrics import EpochMetrics, EpochPage
from service.domain.note import Example, Note, NotePage
from service.domain.prediction import CheckpointName, Prediction, Predictions, Preprocessing
from service.domain.preview import EpochEstimate, Model, Preview
from service.domain.problem import Problem
from service.domain.record import Record
from service.domain.run import QueueFacts, WorkerFacts, WorkerList
from service.domain.spec import ExperimentSpec, Monitor
from service.domain.sweep import Sweep, SweepAccepted
from service.errors import FieldError

_ID = "01997c5e-9f00-7a3b-8c4d-5e6f70819203"
_BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SWEEP_ID = "01997c5e-9f00-7a3b-8c4d-5e6f708191ff"
_SWEEP = {
    "base": {"preset": "lab-relu", "tags": ["tp3"]},
    "grid": {"activation": ["tanh", "relu"], "architecture.hidden": [[64], [128, 64]]},
    "seeds": [0, 1, 2],
}
_SHORT_SPEC = {"dataset": "mnist", "architecture": "mlp", "activation": "relu", "epochs": 20}
SPECS: dict[str, Any] = {
    "short": {"summary": "The rest has its defaults", "value": _SHORT_SPEC},
    "preset": {
        "summary": "A preset, and what is other than in it",
        "value": {"preset": "lab-relu", "architecture": {"hidden": [512]}, "seed": 1},
    },
}


@cache
def by_schema() -> dict[str, Any]:
    """Schema name -> example, as JSON."""
    records = (
        _experiment(), _page(), _epochs(), _curves(), _checkpoints(), _preview(), _model(), _predictions(), _queue(),
        _workers(), Health(), _sweep(), SweepAccepted(id=_SWEEP_ID, count=1, experiment_ids=(_ID,)), *_catalogue(),
        *judged_examples.records(_ID), *inside_examples.records(), *evaluation_examples.records(_ID),
        _findings(), _growing(), _history(), _note(), NotePage(items=(_note(),), next_cursor=None, total=1),
        *comparison_examples.of(_experiment()), *diagnostics_examples.records(_ID), *lab_examples.of(_experiment()),
        *model_examples.records(_ID, _predictions().predictions[0]), *open_inference_examples.records(),
        _examined(), *access_examples.records(),
    )  # fmt: skip
    whole = {type(record).__name__: record.model_dump(mode="json") for record in records}
    problem = _problem().model_dump(mode="json", exclude_none=True)
    return whole | {
        "Problem": problem,
        "ExperimentSpec": _SHORT_SPEC,
        "SweepRequest": _SWEEP,
        "Continuation": {"epochs": 5},
        "NewNote": {"text": _note().text, "example": {"image": judged_examples.image(), "label": 1}},
        "EvaluationRequest": {"dataset": "usps"},
        "NewVersion": {"experiment_id": _ID, "checkpoint": "best"},
        "AliasTarget": {"version": 1},
        "LabRequest": lab_examples.REQUEST,
    }


def _spec() -> ExperimentSpec:
    return ExperimentSpec.model_validate(_SHORT_SPEC)


def _rows() -> tuple[EpochMetrics, ...]:
    return tuple(
        EpochMetrics(
            epoch=epoch,
            train_loss=0.4 / epoch,
            train_accuracy=1 - 0.1 / epoch,
            val_loss=0.3 / epoch,
            val_accuracy=1 - 0.09 / epoch,
            learning_rate=0.1,
            epoch_seconds=1.25,
            samples_per_second=51_200.0,
            recorded_at=_BEGAN + epoch * timedelta(seconds=1.25),
        )
        for epoch in (1, 2)
    )


def _experiment() -> Experiment:
    spec, row = _spec(), _rows()[-1]
    return Experiment(
        id=_ID,
        name=spec.name,
        state=State.RUNNING,
        spec=spec,
        spec_hash=spec.spec_hash,
        sweep_id=None,
        owner="ada",
        created_at=_BEGAN,
        started_at=_BEGAN,
        finished_at=None,
        queue_position=None,
        progress=Progress(epoch=2, epochs=20, fraction=0.1, samples_per_second=51_200.0, eta_seconds=22.5),
        best=BestEpoch(epoch=2, val_loss=row.val_loss, val_accuracy=row.val_accuracy),
        last=LastEpoch(**row.model_dump(include=set(LastEpoch.model_fields))),
        test=None,
        parameters=235_146,
        diverged=False,
        attempt=1,
        worker="slate:4711",
        resumptions=(),
        resumed_inexact=False,
        reproduction=None,
        error=None,
        environment={"torch": "2.13.0", "threads": 2, "device": "cpu"},
        links=links(_ID),
    )


def _page() -> ExperimentPage:
    return ExperimentPage(items=(_experiment(),), next_cursor=None, total=1)


def _sweep() -> Sweep:
    states = {state: int(state is State.RUNNING) for state in State}
    item = _experiment().model_copy(update={"sweep_id": _SWEEP_ID})
    return Sweep(id=_SWEEP_ID, count=1, states=states, created_at=_BEGAN, items=(item,))


def _epochs() -> EpochPage:
    return EpochPage(experiment_id=_ID, state=State.RUNNING, items=_rows())


def _curves() -> LearningCurves:
    rows = _rows()
    series = {name: tuple(getattr(row, name) for row in rows) for name in CurveSeries.model_fields}
    return LearningCurves(
        epochs=tuple(row.epoch for row in rows),
        series=CurveSeries(**series),
        best_epoch=2,
        findings=_findings().items,
    )


def _growing() -> GrowingCurves:
    rows, run = _rows(), _experiment()
    curve = GrowingCurve(
        experiment_id=_ID,
        **{name: getattr(run, name) for name in ("state", "progress", "best", "diverged", "resumptions")},
        monitor=Monitor.VAL_ACCURACY,
        epochs=tuple(row.epoch for row in rows),
        **{name: tuple(getattr(row, name) for row in rows) for name in (*CurveSeries.model_fields, "learning_rate")},
        seconds=(1.25, 2.5),
    )
    return GrowingCurves(every=1, items=(curve,))


def _findings() -> FindingList:
    few = Finding(
        kind="too_few_epochs",
        severity=Severity.INFO,
        epochs=(1, 2),
        evidence={"epochs": 2, "fewest_epochs": 5},
        text=Remark(
            en="2 of the 5 epochs that it takes to speak of a trend.",
            fr="2 des 5 époques qu'il faut pour parler d'une tendance.",
        ),
    )
    return FindingList(experiment_id=_ID, state=State.RUNNING, items=(few,))


def _history() -> History:
    nothing = {"worker": None, "epoch": None, "by": None, "reason": None}
    told: tuple[tuple[EventKind, int, dict[str, Any]], ...] = (
        (EventKind.QUEUED, 0, {"by": "ada"}),
        (EventKind.CLAIMED, 1, {"worker": "bench:4711"}),
        (EventKind.LOST, 1, {"reason": "its worker ended by SIGKILL"}),
        (EventKind.CLAIMED, 2, {"worker": "bench:4712"}),
        (EventKind.RESUMED, 2, {"epoch": 1}),
    )
    items = tuple(
        Event(number=number, at=_BEGAN + timedelta(seconds=number), kind=kind, attempt=attempt, **(nothing | facts))
        for number, (kind, attempt, facts) in enumerate(told, 1)
    )
    return History(experiment_id=_ID, state=State.RUNNING, items=items, left_out=0)


def _note() -> Note:
    return Note(
        id=_ID[:-1] + "7",
        experiment_id=_ID,
        author="ada",
        text="The two losses part at epoch 2.\nWith dropout they should not.",
        example=Example(image=judged_examples.image(), label=1),
        created_at=_BEGAN,
    )


def _checkpoints() -> CheckpointList:
    best = CheckpointListing(name="best", epoch=2, bytes=940_984, created_at=_BEGAN, sha256="9f86d081" * 8)
    return CheckpointList(items=(best, best.model_copy(update={"name": "last"})))


def _preview() -> Preview:
    """Written out, as to build the network would take torch."""
    spec = ExperimentSpec.model_validate({"dataset": "mnist", "architecture": "perceptron"})
    output = LayerFacts(
        name="output",
        type="Linear",
        output_shape=(10,),
        parameters=7_850,
        formula="(784+1)*10 = 7850",
        multiply_accumulates=7_840,
        affine=True,
    )
    function = NetworkFunction(
        text="softmax(Wx + b)",
        latex=r"\operatorname{softmax}\left(W x + b\right)",
        where=(
            Formula(
                text="W: a matrix of 10*784 weights; b: 10 biases",
                latex=r"W \in \mathbb{R}^{10 \times 784},\ b \in \mathbb{R}^{10}",
            ),
        ),
    )
    return Preview(
        spec=spec,
        spec_hash=spec.spec_hash,
        parameters=7_850,
        ledger=Ledger(layers=(output,), parameters=7_850, multiply_accumulates=7_840, function=function),
        counterpart=None,
        epoch_estimate=EpochEstimate(seconds=0.25, from_runs=3, basis="median of runs of the same network"),
    )


def _model() -> Model:
    """A perceptron is its own map."""
    collapse = LinearCollapse(
        layers=1,
        inputs=784,
        outputs=10,
        declared_parameters=7_850,
        effective_parameters=7_850,
        formula="(784+1)*10 = 7850",
        rank=10,
        singular_values=(3.5, 3.25, 3.0, 2.75, 2.5, 2.25, 2.0, 1.75, 1.5, 0.5),
        images=10_000,
        largest_difference=0.00001,
        largest_logit=25.0,
        relative_difference=0.0000004,
        is_rounding=True,
        same_predictions=10_000,
    )
    return Model(**dict(_preview()), linear_collapse=collapse)


def _predictions() -> Predictions:
    seven = Prediction(
        digit=7,
        label="7",
        confidence=0.991,
        probabilities=(0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.991, 0.001, 0.001),
        logits=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6.899, 0.0, 0.0),
        preprocessing=Preprocessing(inverted=True, cropped=(4, 2, 20, 24), centred="mass"),
    )
    return Predictions(experiment_id=_ID, checkpoint=CheckpointName(name="best", epoch=2), predictions=(seven,))


def _examined() -> ExaminedPredictions:
    (seven,) = _predictions().predictions
    distance = Distance(
        value=2.4,
        as_far=0.6,
        doubtful_from=9.1,
        no_digit_from=12.3,
        nearest=7,
        residual=0.19,
        to_class=-210.5,
        stroke=0.9,
    )
    examined = ExaminedPrediction(
        **dict(seven) | {"preprocessing": SeenPreprocessing(**dict(seven.preprocessing))},
        verdict=Verdict.DIGIT,
        reasons=(),
        ink_share=0.11,
        distance=distance,
        distance_unavailable=None,
        box=(4, 2, 20, 24),
    )
    return ExaminedPredictions(
        experiment_id=_ID, checkpoint=CheckpointName(name="best", epoch=2), text="7", predictions=(examined,)
    )


def _problem() -> Problem:
    wrong = FieldError(pointer="#/architecture/hidden/1", detail="must be between 1 and 65536", code="out_of_range")
    return Problem(
        title="Unprocessable Content",
        status=422,
        detail="1 field is invalid",
        instance="/v1/experiments",
        request_id="7d44b3f1",
        errors=(wrong,),
    )


def _queue() -> QueueFacts:
    return QueueFacts(queued=1, running=1, evaluations=0, waiting=(_ID[:-1] + "4",), active=(_ID,))


def _workers() -> WorkerList:
    worker = WorkerFacts(
        id="slate:4711", alive=True, started_at=_BEGAN, experiment_id=_ID, experiment_ids=(_ID,), facts={"threads": 2}
    )
    return WorkerList(items=(worker,))


def _catalogue() -> tuple[Record, ...]:
    """The real entries, the first of each kind."""
    architecture, dataset = catalogue.all_architectures().items[0], catalogue.all_datasets().items[0]
    preset = catalogue.all_presets().items[0]
    return (
        architecture, dataset, preset,
        Catalogue(items=(architecture,)), DatasetCatalogue(items=(dataset,)), PresetList(items=(preset,)),
    )  # fmt: skip
