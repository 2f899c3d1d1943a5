"""`ardoise model ...`, against a real service."""

import json

import pytest

from service.client import Client, ProblemError
from service.domain.experiment import Experiment
from tests.cli.conftest import Ardoise, Served


@pytest.fixture(scope="module")
def completed(service: Served) -> Experiment:
    spec = {"dataset": "synthetic", "architecture": "perceptron", "epochs": 2, "checkpoints": {"keep": "all"}}
    with Client(service.url) as client:
        *_, last = client.watch(client.submit(spec).id)
    assert isinstance(last, Experiment)
    return last


def test_a_model_is_added_shown_pointed_at_and_deleted(
    service: Served, client: Client, completed: Experiment, ardoise: Ardoise
) -> None:
    assert ardoise("model", "list", url=service.url).out == "no model\n"
    first = ardoise("model", "add", "reader", completed.id, "--checkpoint", 1, "--alias", "champion", "--owner", "ada")
    assert (first.status, first.out, first.err) == (0, "1\n", "")
    assert json.loads(ardoise("model", "add", "reader", completed.id, "--checkpoint", 2, "--json").out)["version"] == 2
    head, row = ardoise("model", "list").out.splitlines()
    assert head.split() == ["model", "newest", "aliases", "trained", "on", "architecture", "test"]
    assert row.split()[:4] == ["reader", "2", "champion", "1"]
    _, *rows = ardoise("model", "show", "reader").out.splitlines()
    assert [each.split()[:2] for each in rows] == [["2", "-"], ["1", "champion"]]
    assert ardoise("model", "alias", "reader", "champion", 2).out == "champion: version 2 of reader\n"
    images = [[[0] * 16] * 16]
    assert client.predict_with("reader", images).model.version == 2
    assert client.predict_with("reader", images, version=1).checkpoint.epoch == 1
    assert ardoise("model", "alias", "reader", "champion", "--rollback").out == "champion: version 1 of reader\n"
    assert client.predict_with("reader", images, alias="champion").model.version == 1
    refused = ardoise("model", "delete", "reader", 1)
    assert (refused.status, "champion" in refused.err, refused.err.count("\n")) == (1, True, 1)
    assert ardoise("model", "alias", "reader", "champion", "--delete").status == 0
    assert ardoise("model", "delete", "reader", 1).status == 0
    assert [each.version for each in client.model("reader").versions] == [2]
    assert ardoise("model", "delete", "reader").status == 0
    assert client.models().items == ()
    with pytest.raises(ProblemError, match="there is no model 'reader'"):
        client.model("reader")


def test_an_alias_is_told_one_thing_at_a_time(service: Served, ardoise: Ardoise) -> None:
    for arguments in ((), (1, "--rollback"), ("--rollback", "--delete")):
        said = ardoise("model", "alias", "reader", "champion", *arguments, url=service.url)
        assert (said.status, "exactly one" in said.err) == (2, True)
