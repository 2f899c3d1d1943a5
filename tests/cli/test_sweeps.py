"""Presets and sweeps on the command line."""

import json
from pathlib import Path

import pytest

from service.client import Client
from service.domain.catalogue import PresetList
from service.domain.experiment import Experiment, State
from service.domain.presets import PRESETS
from service.domain.spec import ExperimentSpec
from service.domain.sweep import SweepAccepted
from tests.cli.conftest import Ardoise, Served

QUICK = {
    "dataset": {"name": "synthetic", "train_size": 200}, "architecture": {"name": "mlp", "hidden": [8]}, "epochs": 1,
}  # fmt: skip
ENDLESS = {"dataset": "synthetic", "architecture": "cnn", "epochs": 10_000}
SWEEP = {"base": QUICK, "grid": {"architecture.hidden": [[4], [8, 4]]}, "seeds": [0, 1]}


def spec_of(said: str, client: Client) -> ExperimentSpec:
    """That of the experiment whose id was said; it does not run."""
    return client.cancel(said.strip()).spec


def test_options_come_on_top_of_a_preset(service: Served, client: Client, ardoise: Ardoise) -> None:
    busy = client.submit({**ENDLESS, "priority": 100})
    try:
        plain = ardoise("submit", "--preset", "mnist-best", url=service.url)
        assert spec_of(plain.out, client) == ExperimentSpec.model_validate({"preset": "mnist-best"})
        said = ardoise(
            *("submit", "--preset", "mnist-best", "--channels", "8", "--learning-rate", 0.5, "--train-size", 100),
            *("--epochs", 1, "--dataset", "kmnist"),
        )
        assert spec_of(said.out, client) == ExperimentSpec.model_validate(
            {
                "preset": "mnist-best", "dataset": {"name": "kmnist", "train_size": 100}, "epochs": 1,
                "architecture": {"channels": [8]}, "optimizer": {"learning_rate": 0.5},
            }
        )  # fmt: skip
        file = ardoise("submit", json.dumps({"epochs": 3}), "--preset", "lab-tanh", "--optimizer", "adam")
        assert spec_of(file.out, client) == ExperimentSpec.model_validate(
            {"preset": "lab-tanh", "epochs": 3, "optimizer": "adam"}
        )
    finally:
        client.cancel(busy.id)


def test_an_unknown_preset_is_told_with_the_nearest(service: Served, ardoise: Ardoise) -> None:
    said = ardoise("submit", "--preset", "lab-rleu", url=service.url)
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("ardoise: 1 field is invalid: preset: unknown name 'lab-rleu'; allowed: lab-relu, ")


def test_presets_are_listed(service: Served, client: Client, ardoise: Ardoise) -> None:
    header, *rows = ardoise("presets", url=service.url).out.splitlines()
    assert header.split() == ["name", "network", "data", "set", "epochs", "what", "it", "is", "for"]
    assert [row.split()[0] for row in rows] == [*PRESETS]
    first = PRESETS["pytorch-example"]
    assert rows[0].split()[:4] == ["pytorch-example", "mnist_example", "mnist", "14"]
    assert rows[0].rstrip().endswith(first.description)
    assert PresetList.model_validate_json(ardoise("presets", "--json").out) == client.presets()


def test_a_sweep_is_submitted_from_a_file_or_as_it_stands(
    service: Served, client: Client, ardoise: Ardoise, tmp_path: Path
) -> None:
    file = tmp_path / "sweep.json"
    file.write_text(json.dumps(SWEEP))
    said = ardoise("sweep", file, "--owner", "Élodie", url=service.url)
    assert (said.status, said.err) == (0, "")
    sweep = client.get_sweep(said.out.strip())
    assert [item.spec.seed for item in sweep.items] == [0, 1, 0, 1]
    assert {item.owner for item in sweep.items} == {"Élodie"}
    again = SweepAccepted.model_validate_json(ardoise("sweep", json.dumps(SWEEP), "--json").out)
    assert (again.count, again.id != sweep.id) == (4, True)


def test_a_watched_sweep_says_how_each_one_ends(service: Served, ardoise: Ardoise) -> None:
    said = ardoise("sweep", json.dumps(SWEEP), "--watch", url=service.url)
    assert (said.status, said.err) == (0, "")
    _, *lines = said.out.splitlines()
    assert [line.split()[1:4] for line in lines] == [
        ["architecture.hidden=[4]", "seed=0", "completed,"], ["architecture.hidden=[4]", "seed=1", "completed,"],
        ["architecture.hidden=[8,4]", "seed=0", "completed,"], ["architecture.hidden=[8,4]", "seed=1", "completed,"],
    ]  # fmt: skip
    accepted, *ended = ardoise("sweep", json.dumps({"base": QUICK}), "--watch", "--json").out.splitlines()
    assert [Experiment.model_validate_json(each).id for each in ended] == [*json.loads(accepted)["experiment_ids"]]


def test_a_sweep_is_listed_and_cancelled_as_one(service: Served, client: Client, ardoise: Ardoise) -> None:
    body = {"base": ENDLESS, "grid": {"name": ["first", "second"]}}
    sweep_id = ardoise("sweep", json.dumps(body), url=service.url).out.strip()
    listed = json.loads(ardoise("list", "--sweep", sweep_id, "--json").out)
    assert [each["name"] for each in listed] == ["second", "first"]
    said = ardoise("cancel", "--sweep", sweep_id)
    assert said.out.startswith(f"{sweep_id} has ")
    first, second = client.get_sweep(sweep_id).items
    assert second.state is State.CANCELLED
    *_, last = client.watch(first.id)
    assert isinstance(last, Experiment)
    assert last.state is State.CANCELLED
    assert ardoise("cancel", "--sweep", sweep_id).out == f"{sweep_id} has 2 cancelled\n"


def test_a_sweep_of_which_one_does_not_complete_is_a_failure(service: Served, client: Client, ardoise: Ardoise) -> None:
    key = ("--idempotency-key", "does-not-complete")
    body = json.dumps({"base": ENDLESS, "seeds": [0, 1]})
    sweep_id = ardoise("sweep", body, *key, url=service.url).out.strip()
    client.cancel_sweep(sweep_id)
    said = ardoise("sweep", body, *key, "--watch")
    assert said.out.splitlines()[0] == sweep_id
    assert [line.endswith("seed=0 was cancelled") for line in said.out.splitlines()[1:]] == [True, False]
    assert (said.status, said.err) == (1, "ardoise: 2 of 2 experiments did not complete\n")


@pytest.mark.parametrize(
    ("arguments", "status", "what"),
    [
        (("sweep", "missing.json"), 2, "missing.json cannot be read"),
        (("sweep", "{"), 2, "SWEEP is not JSON"),
        (("sweep",), 2, "SWEEP"),
        (("cancel",), 2, "--sweep"),
        (("sweep", '{"bases": {}}'), 1, "bases: unknown field 'bases'; allowed: base, "),
        (("cancel", "--sweep", "nobody"), 1, "there is no sweep 'nobody'"),
    ],
)
def test_what_is_wrong_is_told(
    arguments: tuple[str, ...], status: int, what: str, service: Served, ardoise: Ardoise
) -> None:
    said = ardoise(*arguments, url=service.url)
    assert (said.status, said.out) == (status, "")
    assert what in said.err
    assert "Traceback" not in said.err
