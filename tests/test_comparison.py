"""The lab's question on hidden layers, answered with a verdict by real workers on real USPS."""

import os
from pathlib import Path

import pytest
from scipy import stats

from service import comparing
from service.comparing import Chosen
from service.domain.presets import PRESETS
from tests.workers.conftest import Bench, bench

__all__ = ["bench"]

DATA_DIR = Path(os.environ.get("ARDOISE_DATA_DIR", "nowhere"))
PATIENCE_SECONDS = 300.0
"""It takes fifteen seconds on a machine that does nothing else."""
SETTLED = {
    "optimizer": {"name": "sgd", "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 0.01}, "schedule": "cosine",
    "epochs": 15,
}  # fmt: skip
"""Weight decay and a step that ends at nothing bring a linear stack to where a perceptron comes to. At the presets' own
rate it learns too fast, overfits, and is worse by a point: a difference between optimisations, and a real one."""


@pytest.mark.real_data
def test_over_five_seeds_a_linear_stack_is_not_told_from_a_perceptron_and_relu_is_better(bench: Bench) -> None:
    if not (DATA_DIR / "USPS").is_dir():
        pytest.skip("ARDOISE_DATA_DIR names no folder with USPS")
    networks = {name: PRESETS[f"lab-{name}"].spec for name in ("perceptron", "linear", "relu")}
    runs = {
        (name, seed): bench.submit(**{**spec, **SETTLED}, name=name, seed=seed)
        for name, spec in networks.items()
        for seed in range(5)
    }
    process = bench.start("--count", "1", "--drain", ARDOISE_DATA_DIR=str(DATA_DIR))
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    found = comparing.compare(
        bench.database, bench.artifacts, Chosen(tuple(runs.values()), None), points=0, baseline=None
    )
    assert [group.label for group in found.groups] == [*networks]
    assert found.remarks == ()
    names = [*networks]
    by_pair = {(names[verdict.a], names[verdict.b]): verdict for verdict in found.verdicts.groups}
    linear = by_pair["perceptron", "linear"]
    assert linear.better is None
    assert "are not distinguishable" in linear.text.en
    assert "ne se distinguent pas" in linear.text.fr
    relu = by_pair["linear", "relu"]
    assert (relu.better, relu.adjusted_p_value < 0.01) == (2, True)
    assert relu.text.en.startswith("relu is better than linear with p ")
    accuracy = {row.id: row.test.accuracy for row in found.rows if row.test is not None}
    linear_runs, relu_runs = ([accuracy[runs[name, seed]] for seed in range(5)] for name in ("linear", "relu"))
    assert relu.over_seeds.p_value == pytest.approx(stats.ttest_rel(linear_runs, relu_runs).pvalue)
    assert len(found.verdicts.runs) == 15 * 14 / 2
