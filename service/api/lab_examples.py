"""Examples of lab sheets for the documentation: a small sheet of one question, and what is answered about it."""

from service import labs
from service.analysis import constraints
from service.domain.experiment import Experiment, TestResult
from service.domain.lab import Lab
from service.domain.lab_answers import LabAccepted, LabCheck, LabItem, LabList, LabRequest, NamedLab
from service.domain.record import Record

REQUEST = LabRequest(offline=True).model_dump(mode="json", exclude_none=True)
NAME = "collapse"
_SHEET = {
    "title": {"en": "One layer or three", "fr": "Une couche ou trois"},
    "introduction": {"en": "Do linear layers add up?", "fr": "Des couches linéaires s'additionnent-elles ?"},
    "offline": {"dataset": "digits"},
    "runs": {
        "one": {"label": {"en": "one", "fr": "une"}, "spec": {"preset": "lab-perceptron"}, "seeds": [0, 1, 2]},
        "three": {"label": {"en": "three", "fr": "trois"}, "spec": {"preset": "lab-linear"}, "seeds": [0, 1, 2]},
    },
    "questions": [
        {
            "id": "which",
            "title": {"en": "Which is better?", "fr": "Lequel est meilleur ?"},
            "text": {"en": "Train both and compare.", "fr": "Entraînez les deux et comparez."},
            "runs": ["one", "three"],
            "verdicts": [{"a": "three", "b": "one"}],
            "evidence": [{"block": "results"}, {"block": "collapse"}],
        }
    ],
    "constraints": [
        {
            "id": "small",
            "text": {"en": "It has at most 10,000 parameters.", "fr": "Il a au plus 10 000 paramètres."},
            "measure": "parameters",
            "at_most": 10_000,
        }
    ],
}


def of(run: Experiment) -> tuple[Record, ...]:
    """About one experiment."""
    lab = Lab.model_validate(_SHEET)
    done = run.model_copy(update={"test": TestResult(loss=0.09, accuracy=0.975)})
    checked = constraints.check(lab.constraints, done)
    accepted = LabAccepted(lab=NAME, sweep_id=run.id, count=1, runs={"one": (run.id,)}, evaluate_on={"one": ("mnist",)})
    item = LabItem(name=NAME, title=lab.title, runs=2, questions=1, constraints=1, problem=None)
    return (
        LabList(items=(item, *labs.listing(None).items)),
        NamedLab(**dict(lab), name=NAME),
        accepted,
        LabCheck(lab=NAME, items=(checked,), met_by=()),
    )
