"""Checkpoints on other data sets' test splits; and real workers that are killed while they are at it."""

import os
import shutil
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from service import datasets, ids
from service.domain.evaluation import Evaluation, EvaluationRequest
from service.domain.experiment import State
from service.domain.manifest import Manifest
from service.inference.preprocessing import frame
from service.storage import checkpoints, evaluations, experiments
from tests.datasets.test_torchvision_sets import idx_images, idx_labels
from tests.workers.conftest import Bench

NOWHERE = Path("nowhere")
MANY = 1_500
"""Test images: to frame them takes seconds, in which a worker can be killed."""


def ask(bench: Bench, experiment_id: str, **request: str) -> str:
    """Queue an evaluation; its id."""
    body = EvaluationRequest.model_validate({"dataset": "digits"} | request)
    with bench.database.writing() as session:
        return evaluations.add(
            session, experiment_id, body, evaluation_id=ids.new(), owner=None, now=datetime.now(UTC)
        ).id


def get(bench: Bench, experiment_id: str, evaluation_id: str) -> Evaluation:
    """As it is now."""
    with bench.database.reading() as session:
        return evaluations.get(session, experiment_id, evaluation_id)


@pytest.fixture
def trained(bench: Bench) -> str:
    """A perceptron of generated images of 16x16, with label smoothing; its id."""
    spec = {"loss": {"name": "cross_entropy", "label_smoothing": 0.1}, "checkpoints": {"keep": "all"}}
    experiment_id = bench.submit(architecture="perceptron", epochs=2, **spec)
    bench.work()
    return experiment_id


def by_hand(bench: Bench, experiment_id: str, images: torch.Tensor, *, epoch: int) -> torch.Tensor:
    """The logits of images `(n, 16, 16)`, by nothing but the stored weights and numbers."""
    (folder,) = (bench.artifacts / experiment_id).glob(f"{epoch:06d}-*")
    weights = load_file(folder / "weights.safetensors")
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_text())
    inputs = (images.double() / 255 - manifest.mean) / manifest.std
    return inputs.flatten(1) @ weights["output.weight"].double().T + weights["output.bias"].double()


def agrees(found: Evaluation, logits: torch.Tensor, labels: torch.Tensor) -> bool:
    """True where it is what the logits come to."""
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (labels.numpy(), logits.argmax(1).numpy()), 1)
    loss = functional.cross_entropy(logits, labels, label_smoothing=0.1).item()
    return (
        found.confusion == tuple(map(tuple, confusion.tolist()))
        and found.accuracy == confusion.trace() / len(labels)
        and found.loss == pytest.approx(loss, rel=1e-5)
    )


def test_it_is_what_torch_makes_of_the_images_resized_or_framed_and_standardised_as_recorded(
    bench: Bench, trained: str
) -> None:
    resized, framed, first = (ask(bench, trained, framing=how) for how in ("none", "recorded", "recorded"))
    bench.work()
    test = datasets.load("digits", data_dir=NOWHERE).test
    facts = datasets.facts("synthetic")
    best = bench.get(trained).best
    assert best is not None

    found = get(bench, trained, resized)
    assert (found.state, found.checkpoint.epoch) == (State.COMPLETED, best.epoch)
    images = functional.interpolate(test.images[:, None].float(), (16, 16), mode="bilinear", antialias=True)
    assert agrees(found, by_hand(bench, trained, images[:, 0].round(), epoch=best.epoch), test.labels)
    done = found.preprocessing
    assert done is not None
    assert (done.images, done.native_size, done.image_size, done.framed_anew) == (355, 8, 16, 0)
    assert (done.target, done.target_size) == (None, None)

    found = get(bench, trained, framed)
    placed = [
        frame(image, image_size=16, native_size=facts.image_size, framing=facts.framing)
        for image in test.images.numpy()
    ]
    images = torch.from_numpy(np.rint(np.stack([image for image, _ in placed])))
    assert agrees(found, by_hand(bench, trained, images, epoch=best.epoch), test.labels)
    done = found.preprocessing
    assert done is not None
    assert (done.target, done.target_size) == (facts.framing, 16)
    assert done.framed_anew == sum(each.cropped is not None for _, each in placed) > 300
    assert (done.mean, done.std) == datasets.load("synthetic", data_dir=NOWHERE).standardisation
    again = get(bench, trained, first)
    assert (again.confusion, again.loss) == (found.confusion, found.loss)


def test_its_own_test_split_gives_what_the_run_found_at_its_end(bench: Bench, trained: str) -> None:
    asked = ask(bench, trained, dataset="synthetic")
    bench.work()
    found, test = get(bench, trained, asked), bench.get(trained).test
    assert test is not None
    assert found.accuracy == test.accuracy
    assert found.loss == pytest.approx(test.loss, rel=1e-6)
    assert found.preprocessing is not None
    assert found.preprocessing.framed_anew == 0


def test_an_epoch_is_evaluated_by_its_number(bench: Bench, trained: str) -> None:
    asked = ask(bench, trained, checkpoint="1", framing="none")
    bench.work()
    found = get(bench, trained, asked)
    assert (found.checkpoint.name, found.checkpoint.epoch) == ("1", 1)
    test = datasets.load("digits", data_dir=NOWHERE).test.resized(16)
    assert agrees(found, by_hand(bench, trained, test.images, epoch=1), test.labels)


def test_weights_that_are_damaged_or_gone_fail_with_the_reason_and_the_others_do_not(
    bench: Bench, trained: str
) -> None:
    asked, other = ask(bench, trained, checkpoint="1"), ask(bench, trained, checkpoint="2")
    (folder,) = (bench.artifacts / trained).glob("000001-*")
    with (folder / "weights.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"?")
    gone = ask(bench, trained, dataset="usps", checkpoint="2")
    bench.work()
    failed = get(bench, trained, asked)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.type == "DamagedCheckpointError"
    assert "weights.safetensors of epoch 1 of experiment" in failed.error.message
    assert failed.error.traceback_tail is None
    assert get(bench, trained, other).state is State.COMPLETED
    unavailable = get(bench, trained, gone).error
    assert unavailable is not None
    assert unavailable.type == "DatasetUnavailableError"


def test_weights_that_a_longer_run_has_replaced_fail_with_what_there_is(bench: Bench, trained: str) -> None:
    by_number, by_name = ask(bench, trained, checkpoint="1"), ask(bench, trained, checkpoint="last")
    with bench.database.writing() as session:
        newest, first = checkpoints.all_of(session, trained)
        checkpoints.forget(session, newest)
        checkpoints.forget(session, first)
        checkpoints.publish(session, newest.model_copy(update={"id": ids.new(), "epoch": 4}))
    bench.work()
    failed = get(bench, trained, by_number).error
    assert failed is not None
    assert failed.message.endswith("has no checkpoint '1'; there are: last, 4")
    found = get(bench, trained, by_name)
    assert (found.state, found.checkpoint.epoch) == (State.COMPLETED, 4)


@pytest.fixture
def data_dir(bench: Bench) -> Path:
    """A made-up MNIST of many test images."""
    raw = bench.home / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    large = datasets.load("synthetic", data_dir=NOWHERE).resized(28).test
    times = MANY // len(large)
    for name, split in {"train": large, "t10k": large}.items():
        repeats = times if name == "t10k" else 1
        (raw / f"{name}-images-idx3-ubyte").write_bytes(idx_images(large.images.repeat(repeats, 1, 1)))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(idx_labels(split.labels.repeat(repeats)))
    return bench.home / "data"


def _is_running(bench: Bench, experiment_id: str, evaluation_id: str, *, attempt: int) -> bool:
    now = get(bench, experiment_id, evaluation_id)
    return (now.state, now.attempt) == (State.RUNNING, attempt)


def _pid(bench: Bench, experiment_id: str, evaluation_id: str) -> int:
    worker = get(bench, experiment_id, evaluation_id).worker
    assert worker is not None
    return int(worker.rpartition(":")[2])


def test_a_worker_or_all_that_are_killed_in_the_middle_lose_nothing(bench: Bench, trained: str, data_dir: Path) -> None:
    victim = ask(bench, trained, dataset="mnist")
    others = [ask(bench, trained, framing="none") for _ in range(3)]
    waiting = bench.submit(architecture="perceptron", epochs=1)
    tree = bench.start("--count", "1", ARDOISE_DATA_DIR=str(data_dir))
    bench.wait_until(partial(_is_running, bench, trained, victim, attempt=1))
    os.kill(_pid(bench, trained, victim), signal.SIGKILL)
    bench.wait_until(partial(_is_running, bench, trained, victim, attempt=2))
    for pid in (tree.pid, _pid(bench, trained, victim)):
        os.kill(pid, signal.SIGKILL)
    tree.wait()
    assert get(bench, trained, victim).state is State.RUNNING
    bench.drain(ARDOISE_DATA_DIR=str(data_dir))
    reference = ask(bench, trained, dataset="mnist")
    bench.work()
    found, expected = get(bench, trained, victim), get(bench, trained, reference)
    assert (found.state, found.attempt, expected.attempt) == (State.COMPLETED, 3, 1)
    assert (found.confusion, found.loss, found.preprocessing) == (
        expected.confusion, expected.loss, expected.preprocessing,
    )  # fmt: skip
    assert sum(map(sum, found.confusion or ())) == MANY
    assert {get(bench, trained, each).state for each in others} == {State.COMPLETED}
    assert bench.get(waiting).state is State.COMPLETED


def test_a_sleeper_past_its_lease_writes_nothing_more(bench: Bench, trained: str, data_dir: Path) -> None:
    settings = {"ARDOISE_DATA_DIR": str(data_dir), "ARDOISE_LEASE_SECONDS": "1"}
    victim = ask(bench, trained, dataset="mnist")
    bench.start("--count", "2", **settings)
    bench.wait_until(partial(_is_running, bench, trained, victim, attempt=1))
    with bench.asleep(_pid(bench, trained, victim)):
        bench.wait_until(lambda: get(bench, trained, victim).state.ended)
        done = get(bench, trained, victim)
    after = ask(bench, trained)
    bench.wait_until(lambda: get(bench, trained, after).state.ended)
    assert (done.state, done.attempt) == (State.COMPLETED, 2)
    assert get(bench, trained, victim) == done


def test_a_worker_that_is_told_to_end_gives_it_back(bench: Bench, trained: str, data_dir: Path) -> None:
    victim = ask(bench, trained, dataset="mnist")
    first = bench.start("--count", "1", ARDOISE_DATA_DIR=str(data_dir))
    bench.wait_until(partial(_is_running, bench, trained, victim, attempt=1))
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=15) == 0
    assert get(bench, trained, victim).state is State.QUEUED


def test_one_whose_experiment_is_deleted_meanwhile_troubles_nobody(bench: Bench, trained: str, data_dir: Path) -> None:
    victim = ask(bench, trained, dataset="mnist")
    bench.start("--count", "1", ARDOISE_DATA_DIR=str(data_dir))
    bench.wait_until(partial(_is_running, bench, trained, victim, attempt=1))
    worker = _pid(bench, trained, victim)
    with bench.database.writing() as session:
        experiments.delete(session, trained)
    shutil.rmtree(bench.artifacts / trained)
    other = bench.submit(architecture="perceptron", epochs=1)
    bench.wait_until(lambda: bench.get(other).state.ended)
    assert bench.get(other).worker == f"{os.uname().nodename}:{worker}"


def test_one_for_the_end_is_done_when_its_run_is_and_fails_where_that_leaves_no_weights(bench: Bench) -> None:
    trained, cancelled = (bench.submit(architecture="perceptron", epochs=1) for _ in range(2))
    with bench.database.writing() as session:
        wanted = [(ids.new(), each, "digits") for each in (trained, cancelled)]
        evaluations.add_for_the_end(session, wanted, owner=None, now=datetime.now(UTC))
        experiments.cancel(session, cancelled, now=datetime.now(UTC))
    bench.work()
    found, lost = (get(bench, experiment_id, each) for each, experiment_id, _ in wanted)
    assert (found.state, found.checkpoint.epoch) == (State.COMPLETED, 1)
    assert lost.state is State.FAILED
    assert lost.error is not None
    assert lost.error.message == f"experiment {cancelled} is cancelled and has no checkpoint"
