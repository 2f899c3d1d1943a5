"""Real runs by a real worker, each made to show one thing, and what is said of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from service.analysis import findings
from service.domain.curves import Finding, Severity
from service.storage import Database, migrations
from tests.workers.conftest import Bench

SMALL = {"name": "mlp", "hidden": [64]}
RUNS: dict[str, dict[str, Any]] = {
    "a large network on sixty images": {
        "dataset": {"name": "synthetic", "train_size": 60}, "architecture": {"name": "mlp", "hidden": [256, 128]},
        "optimizer": "adam", "epochs": 40,
    },
    "a learning rate of 1e-5": {"optimizer": {"name": "sgd", "learning_rate": 1e-5}, "epochs": 10},
    "a learning rate of 3": {"optimizer": {"name": "sgd", "learning_rate": 3.0}, "epochs": 10},
    "a learning rate of 1": {"optimizer": {"name": "sgd", "learning_rate": 1.0}, "epochs": 10},
    "a learning rate of 1000": {
        "dataset": "synthetic", "architecture": {"name": "mlp", "hidden": [64, 32]},
        "optimizer": {"name": "sgd", "learning_rate": 1000.0}, "epochs": 10,
    },
    "two hidden units": {"architecture": {"name": "mlp", "hidden": [2]}, "epochs": 40},
    "five layers of sigmoids": {
        "architecture": {"name": "mlp", "hidden": [32] * 5}, "activation": "sigmoid", "epochs": 15,
    },
    "half of the units dropped": {"architecture": {"name": "mlp", "hidden": [128], "dropout": 0.5}, "epochs": 12},
    "shifted images": {
        "dataset": {"name": "synthetic", "augmentation": ["affine"]}, "architecture": "cnn", "epochs": 10,
    },
    "three epochs": {"optimizer": {"name": "sgd", "learning_rate": 0.01}, "epochs": 3},
    "fourteen validation images": {"dataset": {"name": "digits", "validation_fraction": 0.01}, "epochs": 12},
    "a cosine": {"schedule": "cosine", "epochs": 20},
    "one epoch": {"epochs": 1},
    "the default": {"epochs": 15, "architecture": "mlp"},
}  # fmt: skip
SEEDS = (0, 1)
EXPECTED: dict[str, tuple[set[str], set[str]]] = {
    "a large network on sixty images": ({"overfitting"}, set()),
    "a learning rate of 1e-5": ({"learning_rate_too_low"}, set()),
    "a learning rate of 3": ({"learning_rate_too_high"}, set()),
    "a learning rate of 1": ({"learning_rate_too_high"}, {"divergence"}),
    "a learning rate of 1000": ({"divergence", "learning_rate_too_high"}, set()),
    "two hidden units": ({"underfitting"}, {"plateau"}),
    "five layers of sigmoids": ({"underfitting", "plateau"}, set()),
    "half of the units dropped": ({"train_below_validation"}, {"no_problem", "plateau", "stopped_too_early"}),
    "shifted images": ({"train_below_validation"}, {"no_problem", "noisy_validation", "plateau", "stopped_too_early"}),
    "three epochs": ({"stopped_too_early"}, {"train_below_validation"}),
    "fourteen validation images": ({"noisy_validation"}, {"plateau", "stopped_too_early"}),
    "a cosine": ({"no_problem", "plateau"}, set()),
    "one epoch": ({"too_few_epochs"}, set()),
    "the default": ({"no_problem"}, {"plateau"}),
}
"""Of each: what must be said, and what may be said beside it."""

Said = dict[tuple[str, int], tuple[Finding, ...]]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Said]:
    """All of them, from one worker."""
    home = tmp_path_factory.mktemp("findings")
    database = Database(f"sqlite:///{home / 'ardoise.db'}")
    migrations.upgrade(database)
    bench = Bench(home=home, database=database)
    try:
        ids = {
            (name, seed): bench.submit(**({"dataset": "digits", "architecture": SMALL} | spec), seed=seed)
            for name, spec in RUNS.items()
            for seed in SEEDS
        }
        bench.drain()
        yield {name: findings.comment(bench.get(each), bench.epochs(each)) for name, each in ids.items()}
    finally:
        bench.close()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_shows_what_it_was_made_to_show_and_no_more(said: Said, name: str, seed: int) -> None:
    must, may = EXPECTED[name]
    kinds = {each.kind for each in said[name, seed]}
    assert must <= kinds <= must | may, [each.text.en for each in said[name, seed]]


def test_every_rule_is_shown_by_some_run(said: Said) -> None:
    assert {*findings.kinds()} <= {each.kind for found in said.values() for each in found}


def test_the_numbers_of_a_comment_are_those_of_the_run(said: Said) -> None:
    found = {each.kind: each for each in said["half of the units dropped", 0]}["train_below_validation"]
    assert (found.severity, found.evidence["dropout"]) == (Severity.INFO, 0.5)
    assert "50.0% of the units" in found.text.en
    assert "50,0\u00a0% des neurones" in found.text.fr
    few = {each.kind: each for each in said["fourteen validation images", 0]}["noisy_validation"]
    assert few.evidence["validation_images"] == 14
    slow = {each.kind: each for each in said["a learning rate of 1e-5", 0]}["learning_rate_too_low"]
    assert slow.evidence["learning_rate"] == 1e-5
