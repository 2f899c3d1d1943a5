"""What a finished run is judged by, over HTTP: given logits against scikit-learn, and a run that was trained."""

import base64
import csv
import io
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from scipy import special, stats
from sklearn import metrics

from service import checkpoints, datasets, ids, image_history, samples
from service.domain.checkpoint import Checkpoint
from service.domain.dataset import Framing
from service.domain.experiment import State
from service.domain.manifest import Manifest
from service.domain.run import Run
from service.errors import DatasetUnavailableError
from service.inference.models import Model, Models
from service.settings import Settings
from service.storage import checkpoints as checkpoint_rows
from tests.api.conftest import NOON, NOWHERE, Served

DATA = datasets.load("synthetic", data_dir=NOWHERE)
LABELS = DATA.test.labels.numpy()
VALIDATION = np.arange(0, 2000, 10)
PICTURES = ("confusion.png", "mistakes.png", "calibration.png")
JUDGEMENTS = ("confusion", "mistakes", "softmax", "logits", "calibration", *PICTURES)


def logits(seed: int, *, hints: np.ndarray = LABELS, strength: float = 2.5) -> np.ndarray:
    """Of a network that is right more often than not, float32 `(n, 10)`."""
    noise = np.random.default_rng(seed).standard_normal((len(hints), 10))
    found: np.ndarray = (noise + strength * np.eye(10)[hints]).astype(np.float32)
    return found


def judged(served: Served, test: np.ndarray, **spec: Any) -> str:
    """A completed run with these logits of the test images, as a worker would leave it; its id."""
    experiment_id = served.submit(epochs=1, **spec)
    run = served.claim()
    served.record(run, 1)
    _publish(served, run, test)
    served.finish(run, test_loss=0.25, test_accuracy=0.9)
    return experiment_id


def _publish(served: Served, run: Run, test: np.ndarray) -> None:
    validation = DATA.train.labels.numpy()[VALIDATION]
    arrays = {
        "validation.logits": logits(99, hints=validation),
        "validation.labels": validation,
        "validation.indices": VALIDATION,
        "test.logits": test,
        "test.labels": LABELS,
        "test.indices": np.arange(len(LABELS)),
    }
    manifest = Manifest(
        experiment_id=run.experiment_id,
        spec_hash=run.spec.spec_hash,
        epoch=1,
        architecture=run.spec.architecture,
        activation=run.spec.activation,
        image_size=16,
        labels=tuple("0123456789"),
        mean=0.1,
        std=0.3,
        framing=Framing(box=16, centre="box"),
        native_size=16,
    )
    checkpoint = checkpoints.write(
        served.settings.artifacts_dir,
        checkpoint_id=ids.new(),
        attempt=run.attempt,
        manifest=manifest,
        weights={"w": torch.zeros(1)},
        state=None,
        now=NOON,
        outputs={name: torch.from_numpy(array) for name, array in arrays.items()},
    )
    with served.database.writing() as session:
        checkpoint_rows.publish(session, checkpoint)


@pytest.fixture
def trained(served: Served) -> str:
    """A perceptron that was trained in this process by the workers' own code, every epoch kept; its id."""
    return served.train(epochs=4, checkpoints={"keep": "all"})


def ask(http: httpx.Client, experiment_id: str, what: str, **query: Any) -> dict[str, Any]:
    """One of the run's judgements."""
    answer = http.get(f"/v1/experiments/{experiment_id}/{what}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pixels(text: str) -> np.ndarray:
    """Of an image in base64."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_the_confusion_is_scikit_learn_s(served: Served) -> None:
    given = logits(1)
    found = ask(served.http, judged(served, given), "confusion")
    expected = metrics.precision_recall_fscore_support(LABELS, given.argmax(axis=1))
    each = [[scores[name] for name in ("precision", "recall", "f1", "support")] for scores in found["per_class"]]
    np.testing.assert_allclose(np.transpose(expected), each)
    assert found["matrix"] == metrics.confusion_matrix(LABELS, given.argmax(axis=1)).tolist()
    assert found["accuracy"] == (given.argmax(axis=1) == LABELS).mean()
    assert (found["labels"], found["split"]) == (list("0123456789"), "test")


def test_the_mistakes_are_worst_first_with_their_images(served: Served) -> None:
    given = logits(1)
    losses = -special.log_softmax(given.astype(np.float64), axis=1)[np.arange(len(LABELS)), LABELS]
    wrong = np.flatnonzero(given.argmax(axis=1) != LABELS)
    expected = wrong[np.argsort(-losses[wrong])]
    found = ask(served.http, judged(served, given), "mistakes", limit=20)
    assert (found["total"], found["images"]) == (len(wrong), len(LABELS))
    assert [item["index"] for item in found["items"]] == expected[:20].tolist()
    first = found["items"][0]
    assert (first["label"], first["prediction"]) == (LABELS[expected[0]], given[expected[0]].argmax())
    assert first["loss"] == pytest.approx(losses[expected[0]])
    assert first["probabilities"] == pytest.approx(special.softmax(given[expected[0]].astype(np.float64)))
    for item in found["items"]:
        assert np.array_equal(pixels(item["image"]), DATA.test.images[item["index"]].numpy())


def test_a_cell_of_the_confusion_opens_its_images(served: Served) -> None:
    run = judged(served, logits(1))
    matrix = ask(served.http, run, "confusion")["matrix"]
    for label, prediction in ((0, 1), (4, 9), (3, 3)):
        found = ask(served.http, run, "mistakes", label=label, prediction=prediction, limit=500)
        assert found["total"] == len(found["items"]) == matrix[label][prediction]
        assert all((item["label"], item["prediction"]) == (label, prediction) for item in found["items"])


def test_validation_images_are_named_by_their_place_in_the_training_split(served: Served) -> None:
    run = judged(served, logits(1))
    (first, *_) = ask(served.http, run, "mistakes", split="validation")["items"]
    assert first["index"] in VALIDATION
    assert np.array_equal(pixels(first["image"]), DATA.train.images[first["index"]].numpy())
    softmax = ask(served.http, run, "softmax", split="validation", index=first["index"])
    assert softmax["softmax"] == first["probabilities"]
    assert ask(served.http, run, "confusion", split="validation")["images"] == len(VALIDATION)
    missing = served.http.get(f"/v1/experiments/{run}/softmax", params={"split": "validation", "index": 1})
    assert missing.status_code == 404
    assert "not in the validation split" in missing.json()["detail"]


def test_one_image_s_softmax_and_gradients(served: Served) -> None:
    given = logits(1)
    found = ask(served.http, judged(served, given), "softmax", index=17, temperature=2, **{"class": 3})
    p = special.softmax(given[17].astype(np.float64) / 2)
    assert found["logits"] == given[17].tolist()
    assert found["softmax"] == pytest.approx(p)
    assert found["gradients"]["cross_entropy"] == pytest.approx((p - np.eye(10)[LABELS[17]]) / 2)
    assert found["gradients"]["softmax"] == pytest.approx(p[3] * (np.eye(10)[3] - p) / 2)
    assert found["gradients"]["hard_maximum"] == [0] * 10
    assert found["label"] == LABELS[17]
    assert np.array_equal(pixels(found["image"]), DATA.test.images[17].numpy())


def test_the_calibration_is_that_of_the_logits(served: Served) -> None:
    given = logits(1)
    found = ask(served.http, judged(served, given), "calibration")
    p = special.softmax(given.astype(np.float64), axis=1)
    assert found["cross_entropy"] == pytest.approx(metrics.log_loss(LABELS, p, labels=range(10)))
    assert found["brier_score"] == pytest.approx(metrics.brier_score_loss(LABELS, p, scale_by_half=False))
    assert found["zero_one_loss"] == pytest.approx(1 - metrics.accuracy_score(LABELS, p.argmax(axis=1)))
    assert found["temperature"]["validation_images"] == len(VALIDATION)


def test_where_runs_disagree(served: Served) -> None:
    given = [logits(seed, strength=3.0) for seed in (1, 2, 3)]
    runs = [judged(served, each, name=f"run {number}") for number, each in enumerate(given)]
    answer = served.http.get("/v1/disagreements", params={"ids": ",".join(runs), "limit": 500})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    read = np.stack([each.argmax(axis=1) for each in given])
    right = read == LABELS
    assert [run["accuracy"] for run in found["runs"]] == right.mean(axis=1).tolist()
    assert (found["all_right"], found["all_wrong"]) == (right.all(axis=0).sum(), (~right).all(axis=0).sum())
    differ = (read != read[0]).any(axis=0)
    assert found["total"] == differ.sum()
    assert sorted(item["index"] for item in found["items"]) == np.flatnonzero(differ).tolist()
    margins = [item["margin"] for item in found["items"]]
    assert margins == sorted(margins, reverse=True)
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [
        (runs[0], runs[1]),
        (runs[0], runs[2]),
        (runs[1], runs[2]),
    ]
    pair = found["pairs"][1]
    only = [int((right[0] & ~right[2]).sum()), int((right[2] & ~right[0]).sum())]
    assert [pair["only_a"], pair["only_b"]] == only
    assert pair["both_right"] == (right[0] & right[2]).sum()
    assert pair["p_value"] == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
    first = found["items"][0]
    assert [each["prediction"] for each in first["readings"]] == read[:, first["index"]].tolist()
    assert np.array_equal(pixels(first["image"]), DATA.test.images[first["index"]].numpy())

    alone = served.http.get("/v1/disagreements", params={"ids": runs, "only": runs[1], "limit": 500}).json()
    indices = sorted(item["index"] for item in alone["items"])
    assert indices == np.flatnonzero(right[1] & ~right[0] & ~right[2]).tolist()
    sheet = served.http.get("/v1/disagreements.png", params={"ids": ",".join(runs)})
    assert Image.open(io.BytesIO(sheet.content)).format == "PNG"


def test_a_split_s_softmax_is_that_of_each_of_its_images_and_their_means(served: Served) -> None:
    run = judged(served, logits(1))
    found = ask(served.http, run, "logits", temperature=2, limit=1000)
    assert (found["images"], len(found["items"])) == (len(LABELS), len(LABELS))
    probabilities = special.softmax(logits(1).astype(np.float64) / 2, axis=1)
    assert np.array([each["softmax"] for each in found["items"]]) == pytest.approx(probabilities)
    assert [each["logits"] for each in found["items"]] == logits(1).tolist()
    assert found["cross_entropy"] == pytest.approx(metrics.log_loss(LABELS, probabilities))
    assert found["zero_one_loss"] == pytest.approx(metrics.zero_one_loss(LABELS, probabilities.argmax(axis=1)))
    one, slopes = ask(served.http, run, "softmax", index=17, temperature=2), []
    for each in found["items"]:
        slopes.append(np.linalg.norm(probabilities[each["index"]] - np.eye(10)[each["label"]]) / 2)
        assert each["gradient"] == pytest.approx(slopes[-1])
    read = probabilities.argmax(axis=1)
    rows = [p[k] * np.linalg.norm(np.eye(10)[k] - p) / 2 for p, k in zip(probabilities, read, strict=True)]
    assert found["gradients"] == {
        "cross_entropy": pytest.approx(np.mean(slopes)), "softmax": pytest.approx(np.mean(rows)), "hard_maximum": 0.0,
        "ties": 0,
    }  # fmt: skip
    (same,) = ask(served.http, run, "logits", temperature=2, offset=17, limit=1)["items"]
    for name in ("label", "prediction", "zero_one_loss", "margin", "logits", "softmax", "cross_entropy"):
        assert same[name] == pytest.approx(one[name]), name
    assert same["gradient"] == pytest.approx(np.linalg.norm(one["gradients"]["cross_entropy"]))


def test_a_split_s_softmax_is_a_table_as_well(served: Served) -> None:
    broken = logits(1)
    broken[1, 3] = np.nan
    run = judged(served, broken)
    text = served.http.get(f"/v1/experiments/{run}/logits", params={"format": "csv", "limit": 60_000}).text
    assert text.startswith("index,label,prediction,cross_entropy,zero_one_loss,margin,gradient,logit_0,")
    assert text.endswith("\n")
    rows = [*csv.DictReader(text.splitlines())]
    listed = ask(served.http, run, "logits", limit=60_000)["items"]
    assert len(rows) == len(listed) == len(LABELS)
    for cells, each in zip(rows, listed, strict=True):
        of_classes = {"logit": each.pop("logits"), "softmax": each.pop("softmax")}
        expected = each | {f"{name}_{at}": value for name, row in of_classes.items() for at, value in enumerate(row)}
        assert {name: float(cell) if cell else None for name, cell in cells.items()} == expected
    assert (rows[1]["logit_3"], rows[1]["softmax_0"], rows[0]["index"]) == ("", "", "0")
    empty = served.http.get(f"/v1/experiments/{run}/logits", params={"format": "csv", "offset": 10_000}).text
    assert empty == text.partition("\n")[0] + "\n"
    lines = served.http.get(f"/v1/experiments/{run}/logits", headers={"Accept": "application/x-ndjson"}).text
    assert len(lines.splitlines()) == 100
    assert served.http.get(f"/v1/experiments/{run}/logits", params={"offset": 10_000}).json()["items"] == []


def test_runs_that_cannot_be_held_against_each_other_are_told_why(served: Served, trained: str) -> None:
    run, usps = judged(served, logits(1)), judged(served, logits(1), dataset="digits")
    waiting = served.submit()
    for query, status, said in (
        ({"ids": run}, 422, "2 to 8 different ids"),
        ({"ids": f"{run},{run}"}, 422, "2 to 8 different ids"),
        ({"ids": ",".join(ids.new() for _ in range(9))}, 422, "2 to 8 different ids"),
        ({}, 422, "is required"),
        ({"ids": f"{run},{usps}"}, 422, "was run on digits"),
        ({"ids": f"{run},{trained}", "only": usps}, 422, "must be one of the ids"),
        ({"ids": f"{run},{waiting}"}, 409, "is queued"),
        ({"ids": f"{run},{ids.new()}"}, 404, "there is no experiment"),
        ({"ids": f"{run},nothing"}, 404, "there is no experiment 'nothing'"),
    ):
        for suffix in ("", ".png"):
            answer = served.http.get(f"/v1/disagreements{suffix}", params=query)
            assert answer.status_code == status, answer.text
            assert said in answer.text


@pytest.mark.parametrize("what", JUDGEMENTS)
def test_a_run_without_outputs_says_why(served: Served, what: str) -> None:
    cancelled = served.submit()
    served.http.post(f"/v1/experiments/{cancelled}/cancel")
    older = served.completed(epochs=1)
    diverging = served.submit()
    run = served.claim()
    served.finish(run, State.COMPLETED, diverged=True)
    failing = served.submit()
    served.finish(served.claim(), State.FAILED)
    running = served.submit()
    served.claim()
    for experiment_id, said in (
        (cancelled, "is cancelled"),
        (older, "before outputs were kept"),
        (diverging, "diverged"),
        (failing, "is failed"),
        (running, "is running"),
        (served.submit(), "is queued"),
    ):
        answer = served.http.get(f"/v1/experiments/{experiment_id}/{what}")
        assert answer.status_code == 409, answer.text
        assert said in answer.json()["detail"]


def test_logits_that_are_not_finite_are_null_everywhere(served: Served) -> None:
    given = logits(1)
    given[3, 2], given[4, 0], given[5] = np.nan, np.inf, np.nan
    run, other = judged(served, given), judged(served, logits(2))
    for what in JUDGEMENTS:
        answer = served.http.get(f"/v1/experiments/{run}/{what}", params={"index": 5} if what == "softmax" else {})
        assert answer.status_code == 200, answer.text
        assert b"NaN" not in answer.content or what in PICTURES
    assert ask(served.http, run, "softmax", index=5)["softmax"] == [None] * 10
    assert ask(served.http, run, "calibration")["not_finite"] == 3
    worst = ask(served.http, run, "mistakes")["items"]
    assert {item["index"] for item in worst if item["loss"] is None} >= {5} - {int(LABELS[5] == 0) * 5}
    found = served.http.get("/v1/disagreements", params={"ids": f"{run},{other}", "limit": 500}).json()
    assert found["items"][-1]["margin"] is None


def test_whatever_is_asked_for_that_is_not_there_is_a_clear_answer(served: Served) -> None:
    run = judged(served, logits(1))
    for what, status, said in (
        ("confusion?split=train", 422, "unknown name"),
        ("mistakes?label=10", 422, "must be between 0 and 9"),
        ("mistakes?prediction=-1", 422, "must be at least 0"),
        ("mistakes?limit=0", 422, "must be between 1 and 500"),
        ("mistakes.png?label=11", 422, "must be between 0 and 9"),
        ("softmax?index=500", 404, "has 0 to 499"),
        ("softmax?index=99999999999999999999999", 404, "has 0 to 499"),
        ("softmax?temperature=0", 422, "must be between 0.01 and 100"),
        ("softmax?temperature=nan", 422, "temperature"),
        ("softmax?class=10", 422, "must be between 0 and 9"),
        ("softmax?Temperature=2", 422, "unknown parameter"),
    ):
        answer = served.http.get(f"/v1/experiments/{run}/{what}")
        assert answer.status_code == status, (what, answer.text)
        assert said in answer.text, (what, answer.text)


def test_pictures_are_pictures(served: Served) -> None:
    run = judged(served, logits(1))
    for what in (*PICTURES, "mistakes.png?label=3&prediction=4", "confusion.png?split=validation"):
        answer = served.http.get(f"/v1/experiments/{run}/{what}")
        assert answer.headers["Content-Type"] == "image/png"
        assert Image.open(io.BytesIO(answer.content)).format == "PNG"


def test_a_trained_run_is_judged_as_it_judged_itself(served: Served, trained: str) -> None:
    test = served.http.get(f"/v1/experiments/{trained}").json()["test"]
    calibration = ask(served.http, trained, "calibration")
    assert ask(served.http, trained, "confusion")["accuracy"] == test["accuracy"]
    assert calibration["zero_one_loss"] == pytest.approx(1 - test["accuracy"])
    assert calibration["cross_entropy"] == pytest.approx(test["loss"], rel=1e-5)


def test_the_history_of_an_image_is_what_every_epoch_s_weights_say(served: Served, trained: str) -> None:
    best = served.http.get(f"/v1/experiments/{trained}").json()["best"]["epoch"]
    for index in (0, ask(served.http, trained, "mistakes")["items"][0]["index"]):
        found = ask(served.http, trained, f"images/{index}/history")
        assert [item["epoch"] for item in found["items"]] == [1, 2, 3, 4]
        assert (found["stored_epochs"], found["label"]) == (4, LABELS[index])
        assert np.array_equal(pixels(found["image"]), DATA.test.images[index].numpy())
        softmax = ask(served.http, trained, "softmax", index=index)
        of_best = found["items"][best - 1]
        assert of_best["probabilities"] == pytest.approx(softmax["softmax"], abs=1e-5)
        assert of_best["loss"] == pytest.approx(softmax["cross_entropy"], rel=1e-4)
        assert of_best["prediction"] == softmax["prediction"]
        assert len({tuple(item["probabilities"]) for item in found["items"]}) == 4


def test_a_history_needs_weights_and_an_image(served: Served, trained: str) -> None:
    waiting = served.submit()
    for experiment_id, index, status, said in (
        (waiting, "0", 409, "is queued and has no checkpoint"),
        (trained, "500", 404, "it has 0 to 499"),
        (trained, "-1", 422, "must be at least 0"),
        (trained, "first", 422, "must be an integer"),
        (ids.new(), "0", 404, "there is no experiment"),
    ):
        answer = served.http.get(f"/v1/experiments/{experiment_id}/images/{index}/history")
        assert answer.status_code == status, answer.text
        assert said in answer.text


class Superseding(Models):
    """Loads networks; before the first one, the worker has put another checkpoint in the place of epoch 2's."""

    def __init__(self, served: Served) -> None:
        super().__init__(served.settings.artifacts_dir)
        self._served, self.superseded = served, False

    def get(self, checkpoint: Checkpoint) -> Model:
        if checkpoint.epoch == 2 and not self.superseded:
            self.superseded = True
            with self._served.database.writing() as session:
                checkpoint_rows.forget(session, checkpoint)
            checkpoints.remove(self._served.settings.artifacts_dir, [checkpoint])
        return super().get(checkpoint)


def test_weights_that_are_superseded_meanwhile_are_left_out(served: Served, trained: str) -> None:
    found = image_history.of_image(
        served.database, served.settings, Superseding(served), experiment_id=trained, index=0
    )
    assert [item.epoch for item in found.items] == [1, 3, 4]
    assert found.stored_epochs == 3


def test_damaged_weights_are_said_to_be_damaged(served: Served, trained: str) -> None:
    file = min((served.settings.artifacts_dir / trained).glob("*/weights.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    answer = served.http.get(f"/v1/experiments/{trained}/images/0/history")
    assert answer.status_code == 409
    assert "is damaged" in answer.json()["detail"]


def test_images_of_a_data_set_are_files_and_a_sheet(http: httpx.Client) -> None:
    for split, whole in (("test", DATA.test), ("train", DATA.train)):
        answer = http.get("/v1/datasets/synthetic/images/7.png", params={"split": split})
        assert answer.headers["Content-Type"] == "image/png"
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), whole.images[7].numpy())
    sheet = Image.open(io.BytesIO(http.get("/v1/datasets/synthetic/samples.png").content))
    assert sheet.height > 10 * 112
    for path, status, said in (
        ("synthetic/images/500.png", 404, "it has 0 to 499"),
        ("synthetic/images/a.png", 422, "must be an integer"),
        ("synthetic/images/1.png?split=validation", 422, "unknown name"),
        ("mnst/samples.png", 404, "there is no data set 'mnst'"),
    ):
        refused = http.get(f"/v1/datasets/{path}")
        assert refused.status_code == status, refused.text
        assert said in refused.text


def test_to_look_at_a_data_set_nothing_is_downloaded(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, data_dir=tmp_path, dataset_mirror="http://127.0.0.1:9/nobody-listens")
    with pytest.raises(DatasetUnavailableError, match="mnist is not on this machine yet"):
        samples.contact_sheet(settings, "mnist", "train")
    with pytest.raises(DatasetUnavailableError, match="mnist is not on this machine yet"):
        samples.image(settings, "mnist", "test", 0)
    assert DatasetUnavailableError.status == 503
