"""Trained networks as files: downloaded over HTTP and run by programs that know nothing of Ardoise."""

import io
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch import nn

from service import activations, datasets
from service.domain.checkpoint import WEIGHTS
from tests.api.conftest import NOWHERE, Served

FILES = {"onnx": "onnx", "safetensors": "safetensors", "exported": "pt2"}
"""What is asked for, and how such files end."""

PROGRAMS = {
    "onnx": """\
import json
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("network.onnx")
card = json.loads(session.get_modelmeta().custom_metadata_map["ardoise.json"])
greys = np.asarray(Image.open("digit.png").convert("L").resize(card["size"]), dtype=np.float32)
(probabilities,) = session.run(["probabilities"], {"image": greys.reshape(card["shape"])})[0]
print(card["labels"][probabilities.argmax()], probabilities.max())
""",
    "safetensors": """\
import json
import safetensors.torch
from PIL import Image
from torch import nn, tensor
card = json.loads(safetensors.safe_open("network.safetensors", "pt").metadata()["ardoise.json"])
layers = nn.ModuleDict({name: getattr(nn, kind)(**given) for name, kind, given in card["layers"]})
safetensors.torch.load_model(layers.eval(), "network.safetensors")
greys = tensor([*Image.open("digit.png").convert("L").resize(card["size"]).tobytes()])
logits = nn.Sequential(*layers.values())((greys.view(card["shape"]) - card["zero"]) / card["unit"])
print(card["labels"][logits.argmax()], logits.softmax(1).max().item())
""",
    "exported": """\
import json
import torch
from PIL import Image

extra = {"ardoise.json": ""}
network = torch.export.load("network.pt2", extra_files=extra).module()
card = json.loads(extra["ardoise.json"])
greys = torch.tensor([*Image.open("digit.png").convert("L").resize(card["size"]).tobytes()])
probabilities = network(greys.float().view(card["shape"]))["probabilities"][0]
print(card["labels"][probabilities.argmax()], probabilities.max().item())
""",
}
"""As the README has them."""


def where(experiment_id: str, kind: str, checkpoint: str = "best") -> str:
    """Of a file."""
    return f"/v1/experiments/{experiment_id}/checkpoints/{checkpoint}/{kind}"


def download(served: Served, path: str) -> httpx.Response:
    """With the patience that the first package of a busy machine needs."""
    answer = served.http.get(path, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer


def test_each_file_runs_where_there_is_no_ardoise_and_reads_what_the_service_reads(
    served: Served, tmp_path: Path
) -> None:
    experiment_id = served.train(
        epochs=4, architecture={"name": "mlp", "hidden": [16], "batch_norm": True, "dropout": 0.2}
    )
    image = datasets.load("synthetic", data_dir=NOWHERE).test.images[17].numpy()
    picture = io.BytesIO()
    Image.fromarray(image).save(picture, "PNG")
    (tmp_path / "digit.png").write_bytes(picture.getvalue())
    sent = served.http.post(f"/v1/experiments/{experiment_id}/predictions", json={"pixels": image.tolist()}).json()
    read = sent["predictions"][0]
    for kind, suffix in FILES.items():
        (tmp_path / f"network.{suffix}").write_bytes(download(served, where(experiment_id, kind)).content)
        check = "\nimport sys\nassert not {'service', 'workers'} & set(sys.modules)\n"
        # -I: nothing of this folder or of PYTHONPATH can be imported.
        done = subprocess.run(
            [sys.executable, "-I", "-c", PROGRAMS[kind] + check], cwd=tmp_path, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        label, probability = done.stdout.split()
        assert label == read["label"], kind
        assert float(probability) == pytest.approx(read["confidence"], abs=1e-5), kind


def test_a_file_says_what_it_is_in_its_header_and_in_that_of_the_answer(served: Served, tmp_path: Path) -> None:
    experiment_id = served.train(epochs=2, checkpoints={"keep": "all"})
    experiment = served.http.get(f"/v1/experiments/{experiment_id}").json()
    best = experiment["best"]["epoch"]
    other = 3 - best
    tested = {best: experiment["test"]["accuracy"], other: None}
    for name, epoch in (("best", best), (str(other), other)):
        answer = download(served, where(experiment_id, "safetensors", name))
        assert answer.headers["Content-Type"] == "application/vnd.safetensors"
        assert answer.headers["Content-Disposition"].endswith(f'"{experiment_id}-epoch-{epoch}.safetensors"')
        assert float(answer.headers["X-Ardoise-Parity"]) == 0
        (tmp_path / "file").write_bytes(answer.content)
        with safe_open(tmp_path / "file", "np") as file:
            about = file.metadata()
        assert (about["experiment_id"], about["epoch"], about["dataset"]) == (experiment_id, str(epoch), "synthetic")
        assert json.loads(about["test_accuracy"]) == tested[epoch]
        assert about["weights_sha256"] in served.http.get(where(experiment_id, "weights", name)).headers["ETag"]
    onnx = download(served, where(experiment_id, "onnx"))
    assert 0 < float(onnx.headers["X-Ardoise-Parity"]) < 1e-4
    assert onnx.headers["Content-Type"] == "application/octet-stream"
    assert onnx.headers["Content-Disposition"].endswith('.onnx"')


def test_what_a_client_has_already_is_not_sent_again(served: Served) -> None:
    path = where(served.train(epochs=2), "onnx")
    tag = download(served, path).headers["ETag"]
    assert download(served, path).headers["ETag"] == tag
    again = served.http.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert served.http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_service_answers_others_while_a_package_is_made_and_makes_it_once(served: Served) -> None:
    path = where(served.train(epochs=2), "exported")
    answers: list[httpx.Response] = []
    asking = [threading.Thread(target=lambda: answers.append(download(served, path))) for _ in range(3)]
    began = time.monotonic()
    for each in asking:
        each.start()
    for _ in range(50):
        assert served.http.get("/livez").status_code == 200
    assert not answers
    for each in asking:
        each.join(120)
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    began_again = time.monotonic()
    assert download(served, path).headers["Content-Type"] == "application/zip"
    assert time.monotonic() - began_again < (began_again - began) / 2


@pytest.mark.parametrize("kind", FILES)
def test_nothing_is_made_of_what_is_damaged_or_not_there(served: Served, kind: str) -> None:
    queued = served.submit()
    assert served.http.get(where(queued, kind)).status_code == 409
    served.clear()
    experiment_id = served.train(epochs=2)
    assert served.http.get(where(experiment_id, kind, "7")).status_code == 404
    assert served.http.get(where(experiment_id, kind) + "?opset=9").status_code == 422
    (file,) = (served.settings.artifacts_dir / experiment_id).glob(f"*-*/{WEIGHTS}")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    answer = served.http.get(where(experiment_id, kind))
    assert (answer.status_code, "damaged" in answer.json()["detail"]) == (409, True)
    served.http.delete(f"/v1/experiments/{experiment_id}")
    assert served.http.get(where(experiment_id, kind)).status_code == 404


def test_a_version_of_a_model_is_exported_as_long_as_it_is_there(served: Served) -> None:
    experiment_id = served.train(epochs=2)
    body = {"experiment_id": experiment_id}
    version = served.http.put("/v1/models/exported-one", json=body).json()["version"]
    model = f"/v1/models/exported-one/versions/{version}"
    kinds = ("onnx", "safetensors")
    before = {kind: download(served, where(experiment_id, kind)).content for kind in kinds}
    served.http.delete(f"/v1/experiments/{experiment_id}")
    for kind in kinds:
        answer = download(served, f"{model}/{kind}")
        assert answer.content == before[kind]
        assert answer.headers["Content-Disposition"].endswith(f'"exported-one-{version}.{kind}"')
    served.http.delete("/v1/models/exported-one")
    assert [served.http.get(f"{model}/{kind}").status_code for kind in FILES] == [404] * 3


def test_a_layer_that_onnx_cannot_hold_is_a_problem_that_names_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sine(nn.Module):
        """An activation that somebody has added."""

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values.sin()

    monkeypatch.setattr(activations, "module_class", lambda _name: Sine)
    experiment_id = served.train(architecture={"name": "mlp", "hidden": [8]}, activation="softplus", epochs=1)
    answer = served.http.get(where(experiment_id, "onnx"))
    assert (answer.status_code, answer.json()["title"]) == (501, "Not Implemented")
    assert answer.json()["detail"].startswith("layer activation1 is a Sine")
    assert download(served, where(experiment_id, "safetensors")).content


def test_a_deleted_run_leaves_no_file_behind(served: Served) -> None:
    experiment_id = served.train(epochs=2)
    download(served, where(experiment_id, "onnx"))
    kept = served.service.exports._kept  # what no answer shows
    assert [card.experiment_id for card in kept if card.experiment_id == experiment_id]
    served.http.delete(f"/v1/experiments/{experiment_id}")
    assert not [card for card in kept if card.experiment_id == experiment_id]


@pytest.mark.parametrize("architecture", ["perceptron", "lenet5"])
def test_the_file_makes_as_many_mistakes_on_the_test_split_as_it_says(served: Served, architecture: str) -> None:
    experiment_id = served.train(epochs=2, architecture=architecture, activation="relu")
    session = onnxruntime.InferenceSession(download(served, where(experiment_id, "onnx")).content)
    test = datasets.load("synthetic", data_dir=NOWHERE).test
    (logits,) = session.run(["logits"], {"image": test.images[:, None].float().numpy()})
    right = np.asarray(logits).argmax(1) == test.labels.numpy()
    stated = float(session.get_modelmeta().custom_metadata_map["test_accuracy"])
    assert stated == served.http.get(f"/v1/experiments/{experiment_id}").json()["test"]["accuracy"]
    assert right.mean() == pytest.approx(stated, abs=1 / len(right))
    assert stated > 0.5
