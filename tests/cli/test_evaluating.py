import json

import pytest

from service.client import Client
from service.domain.evaluation import Evaluation
from service.domain.experiment import Experiment
from tests.cli.conftest import Ardoise, Served


@pytest.fixture(scope="module")
def completed(service: Served) -> Experiment:
    with Client(service.url) as client:
        *_, last = client.watch(
            client.submit({"dataset": "synthetic", "architecture": "perceptron", "epochs": 2, "name": "blotches"}).id
        )
    assert isinstance(last, Experiment)
    return last


def test_an_evaluation_is_waited_for_and_told_in_words(
    service: Served, completed: Experiment, ardoise: Ardoise
) -> None:
    said = ardoise("evaluate", completed.id, "--dataset", "digits", "--wait", url=service.url)
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("digits: accuracy 0.")
    assert "of 355 images framed anew" in said.out


def test_it_is_asked_for_by_its_id_or_as_json(
    service: Served, client: Client, completed: Experiment, ardoise: Ardoise
) -> None:
    said = ardoise("evaluate", completed.id, "--dataset", "digits", "--framing", "none", url=service.url)
    (found,) = [each for each in client.evaluations(completed.id).items if each.id == said.out.strip()]
    assert client.evaluated(found).accuracy is not None
    said = ardoise("evaluate", completed.id, "--dataset", "synthetic", "--checkpoint", 2, "--wait", "--json")
    evaluation = Evaluation.model_validate_json(said.out)
    assert (evaluation.dataset, evaluation.checkpoint.epoch, evaluation.state) == ("synthetic", 2, "completed")


def test_what_cannot_be_evaluated_is_told_on_one_line(service: Served, completed: Experiment, ardoise: Ardoise) -> None:
    said = ardoise("evaluate", completed.id, "--dataset", "kmnist", url=service.url)
    assert (said.status, said.out, said.err.count("\n")) == (1, "", 1)
    assert "kmnist has other classes (o, ki, su, ...)" in said.err


def test_a_table_shows_what_it_was_trained_and_evaluated_on(
    service: Served, completed: Experiment, ardoise: Ardoise
) -> None:
    ardoise("evaluate", completed.id, "--dataset", "digits", "--wait", url=service.url)
    head, row = ardoise("evaluations", completed.id, url=service.url).out.splitlines()
    assert head.split() == ["name", "trained", "on", "synthetic", "digits"]
    table = json.loads(ardoise("evaluations", completed.id, "--json", url=service.url).out)
    accuracies = [f"{cell['accuracy']:.4f}" for cell in table["rows"][0]["cells"]]
    assert row.split() == ["blotches", "synthetic", *accuracies]
