"""What the letters of a formula stand for, in French."""

import re

import pytest

from service import architectures
from service.report import notation
from tests.architectures.test_registry import PAIRS, variants

ENGLISH = re.compile(r"\b(the|each|of|in|with|is|after|kernels|biases|maps)\b")


@pytest.mark.parametrize(("name", "activation"), PAIRS)
def test_every_letter_of_every_network_is_explained_in_french(name: str, activation: str) -> None:
    for options in variants(name):
        found = architectures.ledger(options, activation=activation, image_size=12, classes=10).function
        for each in found.where:
            said = notation.said(each.text, "fr")
            assert not ENGLISH.search(said), said
            assert not re.search(r"\w:", said), said


def test_shares_have_commas_and_their_sentences_are_whole() -> None:
    options = architectures.options_class("mlp").model_validate({"dropout": 0.25})
    found = architectures.ledger(options, activation="relu", image_size=12, classes=10).function
    (said,) = [notation.said(each.text, "fr") for each in found.where if each.text.startswith("dropout")]
    assert said == (
        "dropout_0.25(z) : à l'apprentissage chaque valeur est nulle avec probabilité 0,25 et divisée par 0,75 sinon ; "
        "ensuite, z elle-même"
    )
