"""Whether an experiment keeps to the constraints of a lab sheet, in words."""

from collections.abc import Sequence

from service.domain.curves import Remark
from service.domain.experiment import Experiment
from service.domain.lab import Constraint
from service.domain.lab_answers import ConstraintCheck, ExperimentCheck

SHARES = frozenset({"test_accuracy", "val_accuracy"})
NAMES = {
    "parameters": ("parameters", "paramètres"),
    "epochs": ("epochs", "époques"),
    "train_size": ("training images", "images d'apprentissage"),
    "test_accuracy": ("test accuracy", "exactitude en test"),
    "val_accuracy": ("validation accuracy", "exactitude en validation"),
    "train_seconds": ("seconds of training", "secondes d'apprentissage"),
    "dataset": ("data set", "jeu de données"),
    "architecture": ("architecture", "architecture"),
    "activation": ("activation", "activation"),
    "optimizer": ("optimizer", "optimiseur"),
}


def check(constraints: Sequence[Constraint], experiment: Experiment) -> ExperimentCheck:
    """All constraints; met only where each of them is."""
    checks = tuple(_check(each, experiment) for each in constraints)
    states = {each.met for each in checks}
    met = False if False in states else None if None in states else True
    return ExperimentCheck(experiment_id=experiment.id, name=experiment.name, met=met, constraints=checks)


def _check(constraint: Constraint, experiment: Experiment) -> ConstraintCheck:
    value = _value(constraint.measure, experiment)
    limit: float | tuple[str, ...]
    if constraint.one_of is not None:
        limit, met = constraint.one_of, value in constraint.one_of
    elif constraint.at_most is not None:
        limit, met = constraint.at_most, _number(value) <= constraint.at_most
    else:
        limit = constraint.at_least or 0.0
        met = _number(value) >= limit
    known = None if value is None else met
    text = _said(constraint, experiment, value, known)
    return ConstraintCheck(id=constraint.id, measure=constraint.measure, met=known, value=value, limit=limit, text=text)


def _value(measure: str, experiment: Experiment) -> float | str | None:  # noqa: PLR0911  # a line a measure
    spec = experiment.spec
    match measure:
        case "parameters":
            return experiment.parameters
        case "epochs":
            return spec.epochs
        case "train_size":
            return spec.dataset.train_size
        case "test_accuracy":
            return None if experiment.test is None else experiment.test.accuracy
        case "val_accuracy":
            return None if experiment.best is None else experiment.best.val_accuracy
        case "train_seconds":
            if experiment.started_at is None or experiment.finished_at is None:
                return None
            return (experiment.finished_at - experiment.started_at).total_seconds()
        case "activation":
            return spec.activation
        case _:
            return str(getattr(spec, measure).name)


def _number(value: float | str | None) -> float:
    return value if isinstance(value, (int, float)) else float("nan")


def _said(constraint: Constraint, experiment: Experiment, value: float | str | None, met: bool | None) -> Remark:
    en, fr = NAMES[constraint.measure]
    if value is None:
        return Remark(
            en=f"{constraint.text.en} Not known: the run is {experiment.state} and has no {en}.",
            fr=f"{constraint.text.fr} Inconnu : cette valeur ({fr}) manque, l'essai est {STATES[experiment.state]}.",
        )
    return Remark(
        en=f"{constraint.text.en} {'Met' if met else 'Not met'}: {en} {_english(constraint.measure, value)}.",
        fr=f"{constraint.text.fr} {'Respecté' if met else 'Non respecté'} : {fr} {_french(constraint.measure, value)}.",
    )


STATES = {
    "queued": "en attente",
    "running": "en cours",
    "completed": "terminé",
    "failed": "en échec",
    "cancelled": "annulé",
}


def _english(measure: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    if measure in SHARES:
        return f"{100 * value:.2f} %"
    return f"{value:,.0f}" if measure != "train_seconds" else f"{value:,.1f}"


def _french(measure: str, value: float | str) -> str:
    if isinstance(value, str):
        return value
    return _english(measure, value).replace(",", " ").replace(".", ",").replace(" %", " %")
