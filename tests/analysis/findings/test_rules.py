"""Every rule on curves of its own kind and of all others, under noise, and on anything whatever."""

import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from service.analysis.findings import comment, examine, kinds
from service.analysis.findings._curves import Curves, falling, noise, slope, smooth
from service.domain.curves import Finding, Severity
from service.domain.experiment import Experiment, State
from service.domain.metrics import EpochMetrics
from tests.analysis.findings.conftest import (
    FACTS,
    KINDS,
    Shape,
    Values,
    descent,
    divergence,
    healthy,
    overfitting,
    plateau,
    row,
    stuck,
    too_early,
    too_low,
)  # fmt: skip

SEEDS = 25
HITS = 0.95
FALSE_ALARMS = 0.04
ALSO = {
    "underfitting": {"plateau"},
    "divergence": {"learning_rate_too_high"},
    "a noisy validation": {"plateau"},
    "an early end": {"train_below_validation"},
    "a plateau": {"no_problem"},
    "dropout": {"no_problem", "plateau"},
    "nothing wrong": {"plateau"},
}
"""What may be said as well, because it is so."""


@pytest.mark.parametrize("epochs", [20, 50])
@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_curve_is_recognised_under_noise_and_is_not_taken_for_another(name: str, epochs: int) -> None:
    made, kind = KINDS[name]
    if name == "an early end":
        epochs = min(epochs, 20)  # after fifty it is at its end
    said = Counter(each for seed in range(SEEDS) for each in made(epochs).kinds(seed))
    assert said[kind] >= HITS * SEEDS, said
    others = {each: times for each, times in said.items() if each not in ALSO.get(name, set()) | {kind}}
    assert all(times <= FALSE_ALARMS * SEEDS for times in others.values()), others


def test_a_healthy_curve_of_any_length_raises_no_alarm() -> None:
    lengths = (12, 16, 25, 40, 100, 300)
    said = [healthy(epochs).findings(seed) for epochs in lengths for seed in range(10)]
    assert {finding.severity for findings in said for finding in findings} == {Severity.INFO}


def test_there_is_a_kind_of_curve_for_every_rule() -> None:
    assert {kind for _, kind in KINDS.values()} == {*kinds(), "no_problem"}


def test_overfitting_is_dated_to_the_turn_of_the_validation_loss() -> None:
    for seed in range(10):
        (found,) = overfitting(30).findings(seed)
        assert abs(found.epochs[0] - 11) <= 3
        assert found.epochs[1] == 30
        lowest, last = found.evidence["val_loss_lowest"], found.evidence["val_loss_last"]
        assert isinstance(lowest, float)
        assert isinstance(last, float)
        assert found.evidence["generalisation_loss_percent"] == pytest.approx(100 * (last / lowest - 1))


def test_a_gap_is_dated_to_where_it_opens_and_stays() -> None:
    training = np.array([0.2, 0.5, 0.7, 0.8, 0.9, 1, 1, 1, 1, 1, 1, 1])
    validation = np.array([0.3, 0.5, 0.68, 0.78, 0.79, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8])
    shape = Shape(descent(12, end=0.01, pace=0.5), descent(12, end=0.6, pace=0.5), training, validation, 0.0, 0.0, 0.0)
    (found,) = [each for each in shape.findings(0) if each.kind == "overfitting"]
    assert found.epochs == (5, 12)
    assert found.evidence["gap"] == pytest.approx(0.2)


def test_a_network_that_its_first_steps_have_ruined_had_a_learning_rate_too_high() -> None:
    loss, chance = np.array([1.8, 2.9, 2.4, *[2.31] * 9]), np.full(12, 0.1)
    shape = Shape(loss, loss, chance, chance, loss_noise=1e-4, accuracy_noise=0.0, val_accuracy_noise=0.0)
    assert shape.kinds(0) == {"learning_rate_too_high"}
    calm = replace(shape, train_loss=np.full(12, 2.31), val_loss=np.full(12, 2.31), loss_noise=1e-3)
    assert calm.kinds(0) == {"underfitting", "plateau"}


def test_what_jumps_does_not_rest() -> None:
    jumps = 0.4 + 0.2 * np.sin(2.1 * np.arange(20))
    jumping = Shape(np.full(20, 0.4), jumps, loss_noise=0.01)
    assert not any("plateau" in jumping.kinds(seed) for seed in range(10))
    assert all("plateau" in replace(jumping, val_loss=np.full(20, 0.4)).kinds(seed) for seed in range(10))


def test_a_loss_that_is_no_number_is_a_divergence_and_a_learning_rate_too_high() -> None:
    rows = [row(1, 2.0, 0.3, 2.1, 0.3, 5.0), row(2, 9.0, 0.1, 8.0, 0.1, 5.0), row(3, None, 0.1, None, 0.1, 5.0)]
    found = {each.kind: each for each in examine(Curves.of(rows), replace(FACTS, diverged=True))}
    assert set(found) == {"divergence", "learning_rate_too_high"}
    assert {each.severity for each in found.values()} >= {Severity.ERROR}
    assert found["divergence"].epochs == (2, 3)
    assert found["divergence"].evidence["train_loss_before"] == 9.0
    assert "époque 3" in found["divergence"].text.fr


def test_a_run_that_diverges_in_its_first_epoch_is_told_so() -> None:
    found = examine(Curves.of([row(1, None, 0.1, None, 0.1, 100.0)]), replace(FACTS, diverged=True))
    assert {each.kind for each in found} == {"divergence", "learning_rate_too_high"}
    assert "the training loss of the very first epoch is no finite number." in found[0].text.en
    assert "diverge\u00a0: dès la première époque, la perte" in found[0].text.fr


@pytest.mark.parametrize("epochs", [1, 2])
def test_one_or_two_epochs_are_too_few_to_say(epochs: int) -> None:
    for made in (healthy, overfitting, plateau, too_low, too_early):
        (found,) = made(epochs).findings(0)
        assert (found.kind, found.epochs) == ("too_few_epochs", (1, epochs))
        assert found.evidence["epochs"] == epochs


@pytest.mark.parametrize("state", State)
def test_a_run_without_an_epoch_is_told_why(state: State) -> None:
    (found,) = examine(Curves.of([]), replace(FACTS, state=state))
    assert (found.kind, found.epochs, found.evidence["state"]) == ("too_few_epochs", (0, 0), state)


def test_whether_a_run_stopped_too_early_is_not_said_of_one_that_goes_on_or_was_slowed_down_on_purpose() -> None:
    shape = too_early(12)
    assert "stopped_too_early" in shape.kinds(0)
    assert "Annulé" in {f.kind: f for f in shape.findings(0, state=State.CANCELLED)}["stopped_too_early"].text.fr
    assert "stopped_too_early" not in shape.kinds(0, state=State.RUNNING)
    assert "stopped_too_early" not in shape.kinds(0, state=State.FAILED)
    annealed = replace(shape, learning_rate=np.linspace(0.1, 0.001, 12))
    assert "stopped_too_early" not in annealed.kinds(0)


def test_train_below_validation_needs_a_reason_and_names_it() -> None:
    made, _ = KINDS["dropout"]
    shape = made(20)
    for facts, cause in (
        ({"dropout": 0.5}, "dropout"),
        ({"dropout": 0.0, "augmentation": ("shift",)}, "augmentation"),
        ({"dropout": 0.25, "augmentation": ("shift", "rotate")}, "dropout, augmentation"),
    ):
        found = {each.kind: each for each in shape.findings(1, **facts)}
        assert found["train_below_validation"].evidence["causes"] == cause
    assert "train_below_validation" not in shape.kinds(1, dropout=0.0)


def test_a_curve_at_rest_above_the_floor_of_label_smoothing_is_not_too_slow() -> None:
    facts = replace(FACTS, label_smoothing=0.6)
    assert facts.lowest_loss == pytest.approx(float(stats.entropy([0.46] + [0.06] * 9)))
    loss = np.linspace(1.9, facts.lowest_loss + 0.05, 12)
    shape = Shape(loss, loss, np.full(12, 0.97), np.full(12, 0.97), loss_noise=0.0)
    assert "learning_rate_too_low" in {each.kind for each in examine(Curves.of(too_low(12).rows(0)), facts)}
    assert "learning_rate_too_low" not in {each.kind for each in examine(Curves.of(shape.rows(0)), facts)}


def test_few_validation_images_are_told_however_calm_the_curve() -> None:
    found = {each.kind: each for each in healthy(20).findings(0, validation_images=14)}
    assert found["noisy_validation"].evidence["validation_images"] == 14
    assert "7.1 points" in found["noisy_validation"].text.en
    assert "7,1 points" in found["noisy_validation"].text.fr


def test_a_network_stuck_at_chance_is_not_called_too_weak() -> None:
    assert stuck(15).kinds(3) == {"learning_rate_too_high"}


def test_the_gravest_comes_first() -> None:
    grave = [*divergence(20).findings(0)]
    assert grave[0].severity is Severity.ERROR
    order = [Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert [each.severity for each in grave] == sorted((each.severity for each in grave), key=order.index)


def all_findings() -> list[Finding]:
    made = [shape for shape, _ in KINDS.values()]
    found = [each for shape in made for epochs in (1, 4, 12, 40) for each in shape(epochs).findings(7)]
    broken = [row(1, 1e300, 0.5, 2.0, 0.5, 0.1), row(2, None, 0.1, 8.0, 0.1, 0.1), row(3, 2.0, 0.1, None, 0.1, 1e-9)]
    return [*found, *examine(Curves.of(broken), FACTS), *examine(Curves.of([]), FACTS)]


def test_every_comment_states_its_numbers_in_both_languages_each_in_its_own_way() -> None:
    for each in all_findings():
        assert not re.search(r"[{}]|nan|inf\b|None", each.text.en + each.text.fr), each
        assert not re.search(r"\d\.\d", each.text.fr), each.text.fr
        assert not re.search(r"\d,\d(?!\d\d)", each.text.en), each.text.en
        assert not re.search(r"(?<! )[%:;!?]", each.text.fr.replace("\u00a0", " ").replace("\u202f", " ")), each.text.fr
        assert " %" not in each.text.fr
        assert " :" not in each.text.fr
        assert each.text.en.endswith((".", "!"))
        assert each.text.fr.endswith((".", "!"))


def test_every_comment_but_the_good_ones_has_its_thresholds_in_its_evidence() -> None:
    for each in all_findings():
        json.dumps(each.evidence, allow_nan=False)
        finite = "not_finite" in str(each.evidence) or each.kind in {"no_problem", "too_few_epochs"}
        assert finite or any(name.startswith("threshold") for name in each.evidence), each


def test_the_same_epochs_in_any_order_give_the_same_comments() -> None:
    rows = overfitting(25).rows(4)
    assert examine(Curves.of(rows), FACTS) == examine(Curves.of(rows[::-1]), FACTS)


FIGURE = st.one_of(
    st.none(), st.floats(0, 5), st.floats(0, 1e-6), st.sampled_from([0.0, 1.0, 1e30, 1.7e308, 2.302585092994046]),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
ROW = st.tuples(FIGURE, FIGURE, FIGURE, FIGURE, st.floats(0, 1000))


@settings(max_examples=150, deadline=None)
@given(
    figures=st.one_of(
        st.lists(ROW, max_size=12),
        st.tuples(ROW, st.integers(1, 300)).map(lambda drawn: [drawn[0]] * drawn[1]),
        st.tuples(st.lists(ROW, min_size=1, max_size=7), st.integers(1, 300)).map(
            lambda drawn: (drawn[0] * 300)[: drawn[1]]
        ),
    ),
    state=st.sampled_from(State),
    classes=st.integers(2, 100),
    smoothing=st.floats(0, 0.99),
    images=st.integers(1, 100_000),
    diverged=st.booleans(),
)
def test_whatever_the_epochs_are_there_is_an_answer_with_finite_evidence(
    *,
    figures: list[tuple[float | None, ...]],
    state: State,
    classes: int,
    smoothing: float,
    images: int,
    diverged: bool,
) -> None:
    rows = [row(epoch, *values) for epoch, values in enumerate(figures, start=1)]
    facts = replace(
        FACTS, state=state, classes=classes, label_smoothing=smoothing, validation_images=images, diverged=diverged
    )
    found = examine(Curves.of(rows), facts)
    assert found
    for each in found:
        json.loads(each.model_dump_json(), parse_constant=pytest.fail)
        assert 0 <= each.epochs[0] <= each.epochs[1] <= len(rows)


def test_ten_thousand_epochs_are_commented_on_as_fifty_are() -> None:
    assert {each.kind for each in examine(Curves.of(overfitting(10_000).rows(0)), FACTS)} == {"overfitting"}


def test_the_robust_figures_are_those_of_scipy_and_of_what_was_drawn() -> None:
    random = np.random.default_rng(0)
    values: Values = 0.3 * np.arange(60) + random.standard_normal(60)
    assert slope(values) == pytest.approx(stats.theilslopes(values).slope)
    tau = stats.kendalltau(np.arange(60), values).statistic
    assert 1 - 2 * falling(values) == pytest.approx(tau)
    drawn = np.exp(-np.arange(2000) / 100) + 0.05 * random.standard_normal(2000)
    assert noise(drawn) == pytest.approx(0.05, rel=0.1)
    spoilt = drawn.copy()
    spoilt[::50] += 10
    assert noise(spoilt) == pytest.approx(0.05, rel=0.25)
    assert slope(np.arange(0.0, 15_000.0, 3.0)) == pytest.approx(3.0)
    calm = smooth(descent(40, end=0.0, pace=0.1))
    assert np.all(np.diff(calm) < 0)
    assert np.array_equal(smooth(np.array([1.0])), [1.0])


def test_comments_on_an_experiment_are_held_against_its_spec(an_experiment: Experiment) -> None:
    rows: list[EpochMetrics] = KINDS["dropout"][0](20).rows(0)
    found = {each.kind: each for each in comment(an_experiment, rows)}
    assert found["train_below_validation"].evidence["dropout"] == 0.5
    assert found["no_problem"].evidence["chance_accuracy"] == 0.1
