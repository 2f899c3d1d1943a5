"""Constraints of a sheet, met, not met and not known."""

from typing import Any

import pytest

from service.analysis import constraints
from service.api import examples
from service.domain.experiment import Experiment
from service.domain.lab import Constraint


def experiment(**facts: Any) -> Experiment:
    known = examples.by_schema()["Experiment"] | {"test": {"loss": 0.1, "accuracy": 0.975}}
    return Experiment.model_validate(known | facts)


def constraint(measure: str, **limit: Any) -> Constraint:
    text = {"en": "It keeps to this.", "fr": "Il respecte ceci."}
    return Constraint.model_validate({"id": "it", "text": text, "measure": measure} | limit)


@pytest.mark.parametrize(
    ("asked", "met", "value"),
    [
        (constraint("parameters", at_most=235_146), True, 235_146),
        (constraint("parameters", at_most=235_145), False, 235_146),
        (constraint("test_accuracy", at_least=0.975), True, 0.975),
        (constraint("test_accuracy", at_least=0.976), False, 0.975),
        (constraint("val_accuracy", at_least=0.5), True, 0.955),
        (constraint("epochs", at_most=19), False, 20),
        (constraint("dataset", one_of=["mnist", "usps"]), True, "mnist"),
        (constraint("architecture", one_of=["cnn"]), False, "mlp"),
        (constraint("activation", one_of=["relu"]), True, "relu"),
        (constraint("optimizer", one_of=["adam"]), False, "sgd"),
        (constraint("train_size", at_most=10), None, None),
        (constraint("train_seconds", at_most=10), None, None),
    ],
    ids=range(12),
)
def test_a_constraint_is_met_or_not(asked: Constraint, met: bool | None, value: float | str | None) -> None:
    checked = constraints.check([asked], experiment())
    (found,) = checked.constraints
    assert (found.met, checked.met) == (met, met)
    assert found.value == (pytest.approx(value) if isinstance(value, float) else value)
    for text in (found.text.en, found.text.fr):
        assert text.startswith("It keeps to this. " if text is found.text.en else "Il respecte ceci. ")


def test_what_is_said_is_said_in_both_languages() -> None:
    (small, exact) = constraints.check(
        [constraint("parameters", at_most=10_000), constraint("test_accuracy", at_least=0.97)], experiment()
    ).constraints
    assert small.text.en.endswith("Not met: parameters 235,146.")
    assert small.text.fr.endswith("Non respecté : paramètres 235 146.")
    assert exact.text.en.endswith("Met: test accuracy 97.50 %.")
    assert exact.text.fr.endswith("Respecté : exactitude en test 97,50 %.")


def test_what_is_not_known_yet_is_neither_met_nor_not() -> None:
    running = experiment(test=None)
    both = [constraint("test_accuracy", at_least=0.9), constraint("epochs", at_most=100)]
    checked = constraints.check(both, running)
    assert [each.met for each in checked.constraints] == [None, True]
    assert checked.met is None
    assert checked.constraints[0].text.fr.endswith(
        "Inconnu : cette valeur (exactitude en test) manque, l'essai est en cours."
    )
    wrong = constraints.check([*both, constraint("epochs", at_most=1)], running)
    assert wrong.met is False
