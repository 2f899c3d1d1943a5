"""Comparisons over HTTP, of runs whose figures and outputs are written as workers write them."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from scipy import stats

from service import checkpoints, comparing, ids
from service.domain.dataset import Framing
from service.domain.experiment import State
from service.domain.manifest import Manifest
from service.domain.run import Run
from service.storage import checkpoints as checkpoint_rows
from service.storage import queue
from tests.api.conftest import LEASE_SECONDS, NOON, Served

IMAGES = 500
LABELS = torch.arange(IMAGES) % 10


def answers(accuracy: float, *, seed: int) -> np.ndarray:
    """Which images are read right: the first ones by all, as images are not equally hard, and some by luck."""
    generator = np.random.default_rng(seed)
    hardness = np.linspace(0, 1, IMAGES) + 0.05 * generator.standard_normal(IMAGES)
    return np.argsort(np.argsort(hardness)) < accuracy * IMAGES


def answer(served: Served, run: Run, right: np.ndarray, *, epoch: int) -> None:
    """Store outputs that are right where they are said to be."""
    labels = torch.arange(len(right)) % 10
    said = torch.where(torch.from_numpy(right), labels, (labels + 1) % 10)
    logits = torch.nn.functional.one_hot(said, 10).float()
    outputs = {"test.logits": logits, "test.labels": labels, "test.indices": torch.arange(len(right))}
    outputs |= {name.replace("test", "validation"): value[:10].clone() for name, value in outputs.items()}
    manifest = Manifest(
        experiment_id=run.experiment_id, spec_hash=run.spec.spec_hash, epoch=epoch, architecture=run.spec.architecture,
        activation=run.spec.activation, image_size=16, labels=tuple("0123456789"), mean=0.1, std=0.3,
        framing=Framing(box=16, centre="box"), native_size=16,
    )  # fmt: skip
    checkpoint = checkpoints.write(
        served.settings.artifacts_dir, checkpoint_id=ids.new(), attempt=run.attempt, manifest=manifest,
        weights={"w": torch.zeros(1)}, state=None, now=NOON, outputs=outputs,
    )  # fmt: skip
    with served.database.writing() as session:
        queue.guard(session, run, lease_seconds=LEASE_SECONDS)
        checkpoint_rows.publish(session, checkpoint)


def ended(
    served: Served, right: np.ndarray | None = None, *, accuracy: float = 0.9, epochs: int = 3, **spec: Any
) -> str:
    """A completed run with these answers; the queue must be empty before."""
    experiment_id = served.submit(epochs=epochs, **spec)
    end(served, right, accuracy=accuracy)
    return experiment_id


def end(served: Served, right: np.ndarray | None = None, *, accuracy: float = 0.9) -> None:
    """Take the next one and complete it."""
    run = served.claim()
    served.record(run, *range(1, run.spec.epochs + 1))
    if right is not None:
        answer(served, run, right, epoch=run.spec.epochs)
        accuracy = float(right.mean())
    served.finish(run, test_loss=0.25, test_accuracy=accuracy)


def compared(http: httpx.Client, experiment_ids: Sequence[str] | None = None, **query: Any) -> dict[str, Any]:
    """The answer."""
    given = {"ids": ",".join(experiment_ids)} if experiment_ids else {}
    found = http.get("/v1/comparisons", params=given | query)
    assert found.status_code == 200, found.text
    result: dict[str, Any] = found.json()
    return result


def test_a_row_has_the_settings_that_differ_and_nothing_else(served: Served) -> None:
    small = {"name": "mlp", "hidden": [8]}
    runs = [
        ended(served, architecture=small, activation="tanh", name="one", tags=["a"]),
        ended(served, architecture="perceptron", activation="tanh", name="two", seed=3, epochs=2),
    ]
    found = compared(served.http, runs)
    assert set(found["differing"]) == {
        "architecture.name", "architecture.hidden", "architecture.dropout", "architecture.batch_norm", "epochs", "seed",
    }  # fmt: skip
    first, second = found["rows"]
    assert first["settings"]["architecture.hidden"] == [8]
    assert second["settings"] == {"architecture.name": "perceptron", "epochs": 2, "seed": 3}
    alone = served.http.get(f"/v1/experiments/{runs[0]}").json()
    for field in ("id", "name", "state", "parameters", "best", "last", "test", "diverged"):
        assert first[field] == alone[field]
    assert (first["seconds"], first["label"], first["group"]) == (1.5, "one", 0)
    assert served.http.get("/v1/comparisons", params={"ids": runs}).json() == found


def test_series_are_aligned_thinned_or_left_out(served: Served) -> None:
    long, short = ended(served, epochs=9), ended(served, epochs=2)
    series = compared(served.http, [long, short])["series"]
    assert (series["epochs"], series["every"]) == ([*range(1, 10)], 1)
    first, second = series["items"]
    assert first["train_loss"] == [None if epoch == 2 else 1 / 2**epoch for epoch in range(1, 10)]
    assert second["val_loss"] == [1.1, 2.1] + [None] * 7
    thinned = compared(served.http, [long, short], points=3)["series"]
    assert (thinned["epochs"], thinned["every"]) == ([1, 3, 6, 9], 3)
    assert compared(served.http, [long, short], series="false")["series"] is None


def test_groups_over_seeds_have_the_means_and_intervals_of_scipy(served: Served) -> None:
    accuracies = [0.91, 0.93, 0.9, 0.94]
    runs = [ended(served, accuracy=accuracy, seed=seed, name=f"n{seed}") for seed, accuracy in enumerate(accuracies)]
    again = ended(served, accuracy=0.91, seed=0, tags=["again"])
    other = ended(served, accuracy=0.5, epochs=4)
    first, second = compared(served.http, [*runs, again, other])["groups"]
    assert (first["experiment_ids"], first["seeds"]) == ([*runs, again], [0, 1, 2, 3])
    test = first["test"]["accuracy"]
    assert (test["n"], test["mean"]) == (4, pytest.approx(np.mean(accuracies)))
    assert test["standard_deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    expected = stats.t.interval(0.95, 3, np.mean(accuracies), stats.sem(accuracies))
    assert test["interval"] == pytest.approx([*expected])
    assert first["best"]["accuracy"]["mean"] == pytest.approx(1 / 3)
    assert first["last"]["loss"]["mean"] == pytest.approx(3.1)
    assert (second["test"]["accuracy"]["n"], second["test"]["accuracy"]["interval"]) == (1, None)
    assert second["settings"] == {"epochs": 4}


def test_groups_are_judged_over_seeds_and_over_images_with_holm_s_correction(served: Served) -> None:
    levels = {"tanh": 0.9, "relu": 0.9, "elu": 0.8}
    right = {
        name: [answers(level + (0.004 * (seed % 2) if name == "elu" else 0), seed=seed) for seed in range(5)]
        for name, level in levels.items()
    }
    runs = {
        name: [ended(served, each, seed=seed, architecture="mlp", activation=name) for seed, each in enumerate(found)]
        for name, found in right.items()
    }
    found = compared(served.http, [each for group in runs.values() for each in group])
    accuracy = {row["id"]: row["test"]["accuracy"] for row in found["rows"]}
    by_pair = {(verdict["a"], verdict["b"]): verdict for verdict in found["verdicts"]["groups"]}
    assert [*by_pair] == [(0, 1), (0, 2), (1, 2)]
    tanh, elu = (np.array([accuracy[each] for each in runs[name]]) for name in ("tanh", "elu"))
    assert by_pair[0, 2]["over_seeds"]["p_value"] == pytest.approx(stats.ttest_rel(tanh, elu).pvalue)
    shares = {name: np.mean(found, axis=0) for name, found in right.items()}
    verdict = by_pair[0, 2]
    assert verdict["over_images"]["p_value"] == pytest.approx(stats.ttest_rel(shares["tanh"], shares["elu"]).pvalue)
    assert verdict["over_seeds"]["difference"] == pytest.approx((tanh - elu).mean())
    assert verdict["p_value"] == max(verdict["over_seeds"]["p_value"], verdict["over_images"]["p_value"])
    assert (verdict["better"], verdict["adjusted_p_value"] < 0.01) == (0, True)
    assert "synthetic-mlp-tanh is better than synthetic-mlp-elu with p" in verdict["text"]["en"]
    assert "synthetic-mlp-tanh est meilleur que synthetic-mlp-elu, p" in verdict["text"]["fr"]
    same = by_pair[0, 1]
    assert (same["better"], same["p_value"], same["adjusted_p_value"]) == (None, 1.0, 1.0)
    assert "are not distinguishable" in same["text"]["en"]
    assert "ne se distinguent pas" in same["text"]["fr"]
    least = by_pair[0, 2]["p_value"]  # twice: the other two have answered alike
    assert [by_pair[pair]["adjusted_p_value"] for pair in ((0, 2), (1, 2))] == pytest.approx([3 * least, 3 * least])


def test_the_test_over_seeds_is_scipy_s(served: Served) -> None:
    a, b = [0.91, 0.93, 0.90, 0.94, 0.92], [0.90, 0.91, 0.895, 0.92, 0.905]
    runs = [ended(served, accuracy=each, seed=seed) for seed, each in enumerate(a)]
    runs += [ended(served, accuracy=each, seed=seed, batch_size=32) for seed, each in enumerate(b)]
    (verdict,) = compared(served.http, runs)["verdicts"]["groups"]
    expected = stats.ttest_rel(a, b)
    assert verdict["over_images"] is None
    assert verdict["over_seeds"]["p_value"] == verdict["p_value"] == pytest.approx(expected.pvalue)
    assert verdict["over_seeds"]["interval"] == pytest.approx([*expected.confidence_interval(0.95)])
    (unpaired,) = compared(served.http, runs[:-1])["verdicts"]["groups"]
    assert unpaired["over_seeds"]["method"] == "welch_t"
    assert unpaired["p_value"] == pytest.approx(stats.ttest_ind(a, b[:-1], equal_var=False).pvalue)


def test_single_runs_are_judged_by_mcnemar_on_the_same_images(served: Served) -> None:
    right = [answers(level, seed=seed) for level, seed in ((0.9, 0), (0.84, 1), (0.9, 2))]
    runs = [ended(served, each, name=f"r{n}", batch_size=10 + n) for n, each in enumerate(right)]
    verdicts = compared(served.http, runs)["verdicts"]["runs"]
    assert [(each["a"], each["b"]) for each in verdicts] == [(runs[0], runs[1]), (runs[0], runs[2]), (runs[1], runs[2])]
    p_values = []
    for verdict, (a, b) in zip(verdicts, [(0, 1), (0, 2), (1, 2)], strict=True):
        only = int((right[a] & ~right[b]).sum()), int((right[b] & ~right[a]).sum())
        assert (verdict["mcnemar"]["only_a"], verdict["mcnemar"]["only_b"]) == only
        p_values.append(stats.binomtest(only[0], sum(only)).pvalue)
        assert verdict["mcnemar"]["p_value"] == pytest.approx(p_values[-1])
        assert verdict["difference"] == pytest.approx(right[a].mean() - right[b].mean())
    assert [each["better"] for each in verdicts] == [runs[0], None, runs[2]]
    assert verdicts[0]["adjusted_p_value"] == pytest.approx(3 * p_values[0]) or p_values[2] < p_values[0]
    assert "r0 is better than r1" in verdicts[0]["text"]["en"]
    against = compared(served.http, runs, baseline=runs[2])["verdicts"]["runs"]
    assert [(each["a"], each["b"]) for each in against] == [(runs[0], runs[2]), (runs[1], runs[2])]


def test_runs_that_did_not_end_well_have_rows_and_are_in_no_verdict(served: Served) -> None:
    good = [ended(served, answers(0.9, seed=1), name="good"), ended(served, name="no outputs")]
    diverged = served.submit(name="diverged")
    run = served.claim()
    served.finish(run, diverged=True)
    failed = served.submit(name="failed")
    served.finish(served.claim(), State.FAILED, error={"type": "E", "message": "m"})
    one_epoch = served.submit(name="running")
    run = served.claim()
    served.record(run, 1)
    cancelled = served.submit(name="cancelled")
    served.http.post(f"/v1/experiments/{cancelled}/cancel")
    queued = served.submit(name="queued")
    runs = [*good, diverged, failed, one_epoch, cancelled, queued]
    found = compared(served.http, runs)
    rows = {row["name"]: row for row in found["rows"]}
    assert [row["id"] for row in found["rows"]] == runs
    for name in ("diverged", "failed", "cancelled", "queued"):
        assert [rows[name][field] for field in ("best", "last", "test", "seconds")] == [None] * 4
    assert (rows["diverged"]["diverged"], rows["running"]["test"], rows["running"]["best"]["epoch"]) == (True, None, 1)
    assert found["verdicts"] == {"groups": [], "runs": []}
    said = " ".join(remark["en"] for remark in found["remarks"])
    assert "in no mean and no verdict: 4 of 7 runs" in said
    assert "not compared image by image: 2 of 7 runs" in said
    for suffix in ("json", "csv", "png", "svg"):
        assert served.http.get(f"/v1/comparisons/learning-curves.{suffix}", params={"ids": ",".join(runs)}).is_success
    nothing = compared(served.http, [cancelled, queued])
    assert (nothing["series"]["epochs"], nothing["groups"][0]["test"]["accuracy"]) == ([], None)
    assert served.http.get("/v1/comparisons/train-size", params={"ids": cancelled}).json()["left_out"] == 1


def test_runs_on_different_data_have_rows_but_no_verdict(served: Served) -> None:
    runs = [
        ended(served, answers(level, seed=seed), dataset=dataset, seed=seed)
        for dataset, level in (("synthetic", 0.5), ("digits", 0.9))
        for seed in range(3)
    ]
    found = compared(served.http, runs)
    assert len(found["rows"]) == 6
    assert found["verdicts"]["groups"] == []
    assert any("different data sets (synthetic, digits)" in remark["en"] for remark in found["remarks"])


def test_a_damaged_file_costs_its_own_run_its_verdicts_alone(served: Served) -> None:
    runs = [ended(served, answers(0.9, seed=seed), batch_size=10 + seed) for seed in range(3)]
    (file,) = (served.settings.artifacts_dir / runs[1]).glob("*/outputs.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    found = compared(served.http, runs)
    assert [(each["a"], each["b"]) for each in found["verdicts"]["runs"]] == [(runs[0], runs[2])]


def test_many_runs_are_judged_against_a_baseline_alone(served: Served) -> None:
    runs = [ended(served, answers(0.9, seed=n), batch_size=10 + n, epochs=1) for n in range(21)]
    found = compared(served.http, runs, series="false")
    assert found["verdicts"]["runs"] == []
    assert "There are 21 runs with outputs" in found["remarks"][0]["en"]
    assert len(compared(served.http, runs, baseline=runs[4], series="false")["verdicts"]["runs"]) == 20
    assert len(compared(served.http, runs[1:], series="false")["verdicts"]["runs"]) == 190


def test_no_label_in_the_table_is_a_formula(served: Served) -> None:
    runs = [ended(served, name=name) for name in ("=1+1", "@SUM(A1)")]
    table = served.http.get("/v1/comparisons/learning-curves.csv", params={"ids": ",".join(runs)}).text
    labels = {row["label"] for row in csv.DictReader(io.StringIO(table))}
    assert labels == {"'=1+1", "'@SUM(A1)"}


def test_curves_are_overlaid_as_a_table_and_as_pictures(served: Served) -> None:
    runs = [ended(served, seed=seed, batch_size=size) for size in (16, 32) for seed in (0, 1)]
    query = {"ids": ",".join(runs)}
    table = served.http.get("/v1/comparisons/learning-curves.csv", params=query)
    header, first, *rest = table.text.splitlines()
    assert header == "experiment_id,label,epoch,train_loss,train_accuracy,val_loss,val_accuracy"
    assert first.split(",") == [runs[0], "batch_size=16 seed=0", "1", "0.5", "0.5", "1.1", repr(1 / 3)]
    assert len(rest) == 11
    document = served.http.get("/v1/comparisons/learning-curves.json", params=query).json()
    assert document == compared(served.http, runs)["series"]
    drawn = served.http.get("/v1/comparisons/learning-curves.svg", params=query)
    assert drawn.headers["Content-Type"] == "image/svg+xml"
    assert [label in drawn.text for label in ("batch_size=16 seed=0", "batch_size=32 seed=1")] == [True, True]
    assert "FillBetween" not in drawn.text
    grouped = served.http.get("/v1/comparisons/learning-curves.svg", params=query | {"group": "seeds"}).text
    assert ("<!-- batch_size=16 -->" in grouped, "seed=0" in grouped, "FillBetween" in grouped) == (True, False, True)
    png = served.http.get("/v1/comparisons/learning-curves.png", params=query | {"group": "seeds"})
    assert png.content.startswith(b"\x89PNG")


def test_a_picture_has_the_best_epoch_of_a_long_run_and_all_of_a_short_one_beside_it(served: Served) -> None:
    short = ended(served, epochs=4, name="short")
    long = served.submit(epochs=2_101, name="long")
    run = served.claim()
    served.record(run, *range(1, 2_102), best_epoch=1_111)
    served.finish(run)
    drawn = served.http.get("/v1/comparisons/learning-curves.svg", params={"ids": f"{short},{long}"}).text
    texts = re.findall("<!-- (.*?) -->", drawn)
    assert texts[texts.index("long") + 2] == "1111"
    lines = re.findall(r'<path d="([^"]*)" clip-path', drawn)
    assert 4 in [line.count("M") + line.count("L") for line in lines]


def test_of_many_runs_fewer_epochs_each_are_read_for_a_picture(served: Served) -> None:
    runs = [ended(served, epochs=12, seed=seed) for seed in range(4)]
    chosen = comparing.Chosen(ids=tuple(runs), sweep_id=None)

    def epochs(**limits: Any) -> set[int]:
        found = comparing.read(served.database, chosen, points=1_000, **limits)
        return {len(found.rows[each]) for each in runs}

    assert epochs() == epochs(in_all=48) == {12}
    assert epochs(in_all=16) == {5}  # every third, and the first
    assert epochs(in_all=24) == {7}
    assert max(epochs(in_all=16, alike=False)) <= 6  # the best and the last besides


def test_the_error_is_fitted_against_the_number_of_training_images(served: Served) -> None:
    sizes, seeds = [100, 200, 400, 800], (0, 1, 2)
    body = {
        "base": {"dataset": "digits", "architecture": "perceptron", "epochs": 1},
        "grid": {"dataset.train_size": sizes}, "seeds": seeds,
    }  # fmt: skip
    sweep = served.http.post("/v1/sweeps", json=body).json()["id"]
    for size in sizes:
        for seed in seeds:
            end(served, accuracy=1 - 2 * size**-0.5 * (1 + 0.01 * (seed - 1)))
    query = {"sweep_id": sweep}
    (curve,) = served.http.get("/v1/comparisons/train-size", params=query).json()["curves"]
    assert [(point["train_size"], point["test_error"]["n"]) for point in curve["points"]] == [
        (size, 3) for size in sizes
    ]
    assert curve["points"][0]["test_error"]["mean"] == pytest.approx(0.2)
    assert curve["points"][0]["test_error"]["standard_deviation"] == pytest.approx(0.002)
    fit = curve["fit"]
    assert (fit["a"]["value"], fit["b"]["value"]) == (pytest.approx(2, rel=0.1), pytest.approx(0.5, abs=0.02))
    full = fit["full"]
    assert (full["train_size"], full["extrapolated"]) == (1442 - 144, True)
    assert full["interval"][0] < 2 * 1298**-0.5 < full["interval"][1]
    assert "extrapolated" in curve["text"]["en"]
    assert served.http.get("/v1/comparisons/train-size.png", params=query).content.startswith(b"\x89PNG")
    assert "digits-perceptron-identity" in served.http.get("/v1/comparisons/train-size.svg", params=query).text
    members = served.http.get(f"/v1/sweeps/{sweep}").json()["items"]
    two = {"ids": ",".join(each["id"] for each in members[:6])}
    (few,) = served.http.get("/v1/comparisons/train-size", params=two).json()["curves"]
    assert (few["fit"], len(few["points"])) == (None, 2)
    assert "at least 3 training-set sizes with a completed run; there are 2" in few["text"]["en"]
    assert served.http.get("/v1/comparisons/train-size.png", params=two).status_code == 200


NOBODY = "01997c5e-9f00-7a3b-8c4d-5e6f70819203"


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ({}, 422, "say which runs: either `ids=a,b,c` or `sweep_id=`"),
        ({"ids": NOBODY, "sweep_id": NOBODY}, 422, "say which runs"),
        ({"ids": ","}, 422, "must be 1 to 200 ids divided by commas, not 0"),
        ({"ids": NOBODY}, 404, f"there is no experiment '{NOBODY}'"),
        ({"ids": "a,b"}, 404, "there is no experiment 'a'"),
        ({"sweep_id": NOBODY}, 404, f"there is no sweep '{NOBODY}'"),
        ({"sweep_id": "x"}, 404, "there is no sweep 'x'"),
        ({"ids": NOBODY, "points": 1}, 422, "must be between 2 and 1000"),
        ({"id": NOBODY}, 422, "unknown parameter 'id'; allowed: ids"),
    ],
)
def test_what_is_wrong_is_told(http: httpx.Client, query: dict[str, str], status: int, detail: str) -> None:
    found = http.get("/v1/comparisons", params=query)
    assert found.status_code == status
    problem = found.json()
    assert detail in " ".join([problem["detail"], *(error["detail"] for error in problem.get("errors", ()))])


def test_too_many_runs_and_a_baseline_that_is_none_of_them_are_refused(served: Served) -> None:
    body = {"base": {"dataset": "synthetic", "architecture": "perceptron"}, "seeds": [*range(201)]}
    accepted = served.http.post("/v1/sweeps", json=body).json()
    found = served.http.get("/v1/comparisons", params={"sweep_id": accepted["id"]}).json()
    assert found["errors"][0]["detail"].startswith("has 201 runs; at most 200 can be compared")
    found = served.http.get("/v1/comparisons", params={"ids": ",".join(accepted["experiment_ids"])}).json()
    assert found["errors"][0]["detail"] == "must be 1 to 200 ids divided by commas, not 201"
    query = {"ids": ",".join(accepted["experiment_ids"][:3]), "baseline": NOBODY}
    found = served.http.get("/v1/comparisons", params=query).json()
    assert found["errors"][0] == {
        "pointer": "#/query/baseline", "detail": f"must be one of the runs that are compared, not '{NOBODY}'",
        "code": "unknown_name",
    }  # fmt: skip
