import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from service import datasets
from service.cli import slate
from service.client import Client, ProblemError
from service.domain.experiment import Experiment, State
from service.domain.metrics import EpochMetrics
from service.domain.spec import ExperimentSpec
from service.domain.sweep import SweepRequest
from tests.cli.conftest import Served, until

SPEC = {
    "dataset": {"name": "digits", "train_size": 1000}, "architecture": {"name": "mlp", "hidden": [32]},
    "optimizer": {"name": "adam", "learning_rate": 0.005}, "epochs": 6, "tags": ["client"],
}  # fmt: skip
ENDLESS = {"dataset": "synthetic", "architecture": "cnn", "epochs": 10_000}
Digits = list[tuple[list[list[int]], int]]


def ended(client: Client, experiment_id: str) -> Experiment:
    *_, last = client.watch(experiment_id)
    assert isinstance(last, Experiment)
    return last


@pytest.fixture(scope="module")
def completed(service: Served) -> Experiment:
    with Client(service.url) as client:
        return ended(client, client.submit(SPEC).id)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """Thirty images that no network has learnt from, with their labels."""
    test = datasets.load("digits", data_dir=tmp_path_factory.mktemp("data")).test
    return [(test.images[at].tolist(), int(test.labels[at])) for at in range(30)]


def test_a_watch_tells_every_epoch_once_and_ends_with_the_ended_experiment(client: Client) -> None:
    experiment = client.submit({**SPEC, "name": "watched"})
    first, *news, last = client.watch(experiment.id)
    assert isinstance(first, Experiment)
    assert (first.id, first.name) == (experiment.id, "watched")
    rows = [each for each in news if isinstance(each, EpochMetrics)]
    assert [row.epoch for row in rows] == [1, 2, 3, 4, 5, 6]
    assert last == client.get(experiment.id)
    assert isinstance(last, Experiment)
    assert last.state is State.COMPLETED
    assert last.last is not None
    assert last.last.val_loss == rows[-1].val_loss
    again = list(client.watch(experiment.id, after_epoch=4))
    assert [each.epoch for each in again if isinstance(each, EpochMetrics)] == [5, 6]


def test_a_spec_goes_as_a_mapping_or_as_a_record(client: Client, completed: Experiment) -> None:
    record = ExperimentSpec.model_validate({**SPEC, "epochs": 1})
    assert client.submit(record).spec == record
    assert completed.spec == ExperimentSpec.model_validate(SPEC)


def test_a_key_makes_a_repeat_safe(client: Client, completed: Experiment) -> None:
    key = f"key-{completed.id}"
    first = client.submit({**SPEC, "epochs": 1}, idempotency_key=key)
    assert client.submit({**SPEC, "epochs": 1}, idempotency_key=key).id == first.id
    with pytest.raises(ProblemError) as raised:
        client.submit({**SPEC, "epochs": 2}, idempotency_key=key)
    assert raised.value.status == 409


def test_a_preview_counts_and_stores_nothing(client: Client, completed: Experiment) -> None:
    before = client.page(tag="previewed").total
    preview = client.preview({**SPEC, "tags": ["previewed"]})
    assert (preview.parameters, preview.ledger.parameters) == (completed.parameters, completed.parameters)
    assert preview.spec_hash == completed.spec_hash
    assert client.page(tag="previewed").total == before == 0


def test_a_wrong_spec_is_a_problem_with_its_fields(client: Client) -> None:
    with pytest.raises(ProblemError) as raised:
        client.submit({"dataset": "digit", "architecture": "mlp"})
    assert raised.value.status == 422
    assert [field.code for field in raised.value.errors] == ["unknown_name"]


def test_lists_are_narrowed_sorted_and_paged(client: Client, completed: Experiment) -> None:
    names = [f"paged {number}" for number in range(5)]
    ids = [client.submit({**SPEC, "epochs": 1, "name": name, "tags": ["paged"]}).id for name in names]
    assert [each.id for each in client.iterate(tag="paged", sort="name")] == ids
    assert [each.id for each in client.iterate(tag="paged", limit=2)] == ids[:-3:-1]
    first = client.page(tag="paged", sort="created_at", limit=3)
    second = client.page(tag="paged", sort="created_at", limit=3, cursor=first.next_cursor)
    assert [each.id for each in (*first.items, *second.items)] == ids
    assert (first.total, second.next_cursor) == (5, None)
    assert completed.id not in [each.id for each in client.iterate(state=State.QUEUED)]


def test_a_run_can_be_continued_and_reproduced(client: Client) -> None:
    experiment = ended(client, client.submit({**SPEC, "epochs": 2}).id)
    assert client.continue_(experiment.id, epochs=2).id == experiment.id
    assert ended(client, experiment.id).progress.epoch == 4
    kinds = [each.kind for each in client.history(experiment.id).items]
    assert kinds == ["queued", "claimed", "completed", "continued", "claimed", "resumed", "completed"]
    again = ended(client, client.reproduce(experiment.id).id)
    assert again.reproduction is not None
    assert (again.reproduction.of, again.reproduction.identical) == (experiment.id, True)


def test_a_run_can_be_cancelled_and_deleted(client: Client) -> None:
    experiment = client.submit(ENDLESS)
    until(lambda: client.get(experiment.id).state is State.RUNNING, what="the run's begin")
    with pytest.raises(ProblemError) as raised:
        client.delete(experiment.id)
    assert raised.value.status == 409
    client.cancel(experiment.id)
    assert ended(client, experiment.id).state is State.CANCELLED
    client.delete(experiment.id)
    with pytest.raises(ProblemError) as raised:
        client.get(experiment.id)
    assert raised.value.status == 404


def test_curves_come_as_numbers_and_as_files(client: Client, completed: Experiment) -> None:
    curves = client.curves(completed.id)
    assert completed.best is not None
    assert (curves.epochs, curves.best_epoch) == ((1, 2, 3, 4, 5, 6), completed.best.epoch)
    assert curves.series.val_accuracy[completed.best.epoch - 1] == completed.best.val_accuracy
    assert client.curves_file(completed.id, "png").startswith(b"\x89PNG")
    assert b"<svg" in client.curves_file(completed.id, "svg")
    assert client.curves_file(completed.id, "csv").count(b"\n") == 7


def test_weights_are_those_that_the_list_of_checkpoints_names(client: Client, completed: Experiment) -> None:
    listed = {each.name: each for each in client.checkpoints(completed.id).items}
    for name in ("best", "last"):
        weights = client.weights(completed.id, name)
        assert len(weights) == listed[name].bytes
        assert hashlib.sha256(weights).hexdigest() in listed[name].sha256
    assert client.weights(completed.id, listed["best"].epoch) == client.weights(completed.id)


def as_files(images: list[list[list[int]]], _folder: Path) -> Iterator[bytes]:
    return map(slate.png, images)


def as_paths(images: list[list[list[int]]], folder: Path) -> Iterator[Path]:
    for number, image in enumerate(images):
        (folder / f"{number}.png").write_bytes(slate.png(image))
        yield folder / f"{number}.png"


def as_grids(images: list[list[list[int]]], _folder: Path) -> Iterator[list[list[int]]]:
    return iter(images)


def as_arrays(images: list[list[list[int]]], _folder: Path) -> Iterator[np.ndarray]:
    return (np.array(image, dtype=np.uint8) for image in images)


def mixed(images: list[list[list[int]]], _folder: Path) -> Iterator[bytes | list[list[int]]]:
    return (slate.png(image) if number % 2 else image for number, image in enumerate(images))


@pytest.mark.parametrize("form", [as_files, as_paths, as_grids, as_arrays, mixed])
def test_images_are_read_in_every_form_in_the_order_sent(
    form: Callable[[list[list[list[int]]], Path], Iterator[bytes]],
    client: Client,
    completed: Experiment,
    digits: Digits,
    tmp_path: Path,
) -> None:
    answer = client.predict(completed.id, form([image for image, _ in digits], tmp_path))
    assert (answer.experiment_id, answer.checkpoint.name) == (completed.id, "best")
    right = [each.digit == label for each, (_, label) in zip(answer.predictions, digits, strict=True)]
    assert sum(right) >= 25


def test_another_checkpoint_can_be_asked(client: Client, completed: Experiment, digits: Digits) -> None:
    assert client.predict(completed.id, [digits[0][0]], checkpoint="last").checkpoint.epoch == 6


def test_the_catalogue_names_what_specs_can_name(client: Client) -> None:
    assert "digits" in {each.name for each in client.datasets().items}
    assert {"perceptron", "mlp", "cnn"} <= {each.name for each in client.catalogue("architectures").items}
    for kind in ("augmentations", "activations", "optimizers", "schedules"):
        assert client.catalogue(kind).items


def test_presets_are_ready_specs(client: Client) -> None:
    preset = client.presets().items[0]
    assert client.preview({"preset": preset.name}).spec == client.preview(preset.spec).spec == preset.spec


def test_a_sweep_is_submitted_looked_at_and_cancelled_as_one(client: Client) -> None:
    request = {"base": {**ENDLESS, "priority": -100}, "grid": {"activation": ["tanh", "relu"]}, "seeds": [4, 5]}
    key = "client's-sweep"
    accepted = client.sweep(request, idempotency_key=key)
    assert accepted.count == len(accepted.experiment_ids) == 4
    sweep = client.get_sweep(accepted.id)
    assert tuple(item.id for item in sweep.items) == accepted.experiment_ids
    assert sum(sweep.states.values()) == sweep.count == client.page(sweep_id=accepted.id).total == 4
    assert client.cancel_sweep(accepted.id).states[State.QUEUED] == 0
    assert client.sweep(request, idempotency_key=key) == accepted
    once = client.sweep(SweepRequest.model_validate({"base": {**ENDLESS, "priority": -100}}))
    assert client.cancel_sweep(once.id).count == once.count == 1
    with pytest.raises(ProblemError) as raised:
        client.get_sweep(accepted.experiment_ids[0])
    assert raised.value.status == 404


def test_the_queue_and_its_workers_are_seen(client: Client) -> None:
    assert [worker.alive for worker in client.workers().items] == [True]
    assert client.queue().queued >= 0
    assert client.ready() is True


def test_curves_are_commented_on_and_notes_are_written_read_and_removed(
    service: Served, completed: Experiment, tmp_path: Path
) -> None:
    picture = tmp_path / "three.png"
    picture.write_bytes(slate.png([[0, 128], [255, 0]]))
    with Client(service.url, owner="Élodie") as client:
        found = client.findings(completed.id)
        assert (found.experiment_id, found.state) == (completed.id, State.COMPLETED)
        assert client.curves(completed.id).findings == found.items
        first, second = client.note(completed.id, "Première remarque :\nà revoir."), client.note(completed.id, "b")
        assert [*client.notes(completed.id)] == [first, second]
        assert (first.author, first.text) == ("Élodie", "Première remarque :\nà revoir.")
        client.delete_note(completed.id, first.id)
        assert [*client.notes(completed.id)] == [second]
        client.delete_note(completed.id, second.id)
        drawn = [client.note(completed.id, "a", example=(each, 3)) for each in (picture, picture.read_bytes())]
        assert drawn[0].example == drawn[1].example is not None
        for each in drawn:
            client.delete_note(completed.id, each.id)
        with pytest.raises(ProblemError, match="has no note"):
            client.delete_note(completed.id, second.id)


def test_notes_are_read_page_after_page(service: Served, client: Client) -> None:
    experiment_id = client.submit({**SPEC, "epochs": 1}).id
    written = [client.note(experiment_id, f"note {number}") for number in range(203)]
    assert [*client.notes(experiment_id)] == written
