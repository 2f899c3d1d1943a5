"""`ardoise compare`: a table, and verdicts in the language asked for."""

import json

import pytest

from service.client import Client
from service.domain.comparison import Comparison
from tests.cli.conftest import Ardoise, Served

QUICK = {
    "dataset": {"name": "synthetic", "train_size": 200},
    "architecture": {"name": "mlp", "hidden": [8]},
    "epochs": 2,
}
SWEEP = {"base": QUICK, "grid": {"activation": ["tanh", "relu"]}, "seeds": [0, 1]}


@pytest.fixture(scope="module")
def sweep(service: Served) -> str:
    with Client(service.url) as client:
        accepted = client.sweep(SWEEP)
        for each in accepted.experiment_ids:
            list(client.watch(each))
        return accepted.id


def test_a_sweep_is_compared_by_its_groups_over_seeds(service: Served, sweep: str, ardoise: Ardoise) -> None:
    said = ardoise("compare", "--sweep", sweep, url=service.url)
    assert (said.status, said.err) == (0, "")
    header, first, second, empty, verdict = said.out.splitlines()
    assert header.split() == ["what", "val", "test", "95", "%", "interval", "loss", "parameters"]
    assert first.split()[:6] == ["synthetic-mlp-tanh", "2", "of", "2", "runs", first.split()[5]]
    assert second.startswith("synthetic-mlp-relu")
    assert ".." in first
    assert empty == ""
    assert verdict.startswith("synthetic-mlp-")
    assert "paired t test over 2 seeds: p" in verdict
    french = ardoise("compare", "--sweep", sweep, "--lang", "fr")
    assert "test t apparié sur 2 graines\u00a0: p" in french.out


def test_single_runs_are_compared_by_their_test_images(
    service: Served, sweep: str, client: Client, ardoise: Ardoise
) -> None:
    tanh, _, relu, _ = (each.id for each in client.get_sweep(sweep).items)
    header, *rows, _, verdict = ardoise("compare", tanh, relu, url=service.url).out.splitlines()
    assert header.split() == ["what", "epoch", "val", "test", "loss", "parameters", "seconds"]
    assert [row.split()[:2] for row in rows] == [
        ["synthetic-mlp-tanh", "completed"],
        ["synthetic-mlp-relu", "completed"],
    ]
    assert "McNemar's test on the" in verdict
    document = ardoise("compare", tanh, relu, "--baseline", relu, "--json")
    assert Comparison.model_validate_json(document.out) == client.compare([tanh, relu], baseline=relu)
    assert json.loads(document.out)["series"]["epochs"] == [1, 2]


@pytest.mark.parametrize("arguments", [(), ("a", "--sweep", "b")])
def test_which_runs_must_be_said(arguments: tuple[str, ...], service: Served, ardoise: Ardoise) -> None:
    said = ardoise("compare", *arguments, url=service.url)
    assert (said.status, said.out) == (2, "")
    assert "--sweep" in said.err


def test_sizes_are_asked_for_in_a_program(sweep: str, client: Client) -> None:
    found = client.train_sizes(sweep_id=sweep)
    assert [(curve.label, curve.fit, [point.train_size for point in curve.points]) for curve in found.curves] == [
        ("synthetic-mlp-tanh", None, [200]), ("synthetic-mlp-relu", None, [200]),
    ]  # fmt: skip
