"""The Open Inference Protocol: two clients written for other servers, and every error as that protocol has it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from open_inference.openapi import client as generated
from open_inference.openapi import errors as generated_errors
from open_inference.openapi import types
from open_inference.openapi.core.api_error import ApiError
from safetensors.numpy import load_file
from scipy.special import softmax
from tritonclient.utils import InferenceServerException

from service import datasets
from service.domain.checkpoint import MANIFEST, WEIGHTS
from service.domain.open_inference import HEADER_LENGTH
from service.storage import registry as rows
from tests.api.conftest import NOWHERE, Served
from tests.api.test_problems import _FOUND

PATHS = {path: found for path, found in _FOUND.items() if path.startswith("/v2")}
IMAGES: np.ndarray = datasets.load("synthetic", data_dir=NOWHERE).test.images[:7].numpy()


@pytest.fixture
def model(served: Served) -> str:
    """A registered perceptron of generated digits with two versions; its name."""
    trained = served.train(epochs=2, checkpoints={"keep": "all"})
    for epoch in ("1", "2"):
        body = {"experiment_id": trained, "checkpoint": epoch}
        assert served.http.put("/v1/models/reader", json=body).status_code == 201
    return "reader"


@pytest.fixture
def client(served: Served) -> Iterator[triton.InferenceServerClient]:
    """Triton's own."""
    with triton.InferenceServerClient(served.url.removeprefix("http://")) as client:
        yield client


@pytest.fixture
def other(served: Served) -> generated.OpenInferenceClient:
    """The one generated from the specification's own OpenAPI document."""
    return generated.OpenInferenceClient(base_url=served.url, httpx_client=served.http)


def folder_of(served: Served, version: int) -> Path:
    with served.database.reading() as session:
        return served.settings.artifacts_dir / rows.chosen(session, "reader", version).checkpoint.folder


def reckoned(served: Served, version: int, images: np.ndarray = IMAGES) -> np.ndarray:
    """The perceptron's logits, from its files and by numpy alone."""
    folder = folder_of(served, version)
    manifest = json.loads((folder / MANIFEST).read_text())
    weights = load_file(folder / WEIGHTS)
    (matrix,) = [each for each in weights.values() if each.ndim == 2]
    (bias,) = [each for each in weights.values() if each.ndim == 1]
    inputs = (images.reshape(len(images), -1) / 255 - manifest["mean"]) / manifest["std"]
    logits: np.ndarray = inputs @ matrix.T + bias
    return logits


def tensor(array: np.ndarray, datatype: str, *, as_bytes: bool = True) -> list[Any]:
    given = triton.InferInput("image", array.shape, datatype)
    given.set_data_from_numpy(array, binary_data=as_bytes)
    return [given]


def infer(served: Served, *inputs: dict[str, Any], path: str = "models/reader/infer", **more: Any) -> httpx.Response:
    return served.http.post(f"/v2/{path}", json={"inputs": inputs, **more})


def image(images: np.ndarray = IMAGES, **more: Any) -> dict[str, Any]:
    return {"name": "image", "shape": images.shape, "datatype": "UINT8", "data": images.ravel().tolist()} | more


def test_triton_s_client_finds_server_and_model_ready(client: triton.InferenceServerClient, model: str) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    assert client.is_model_ready(model)
    assert client.is_model_ready(model, "2")
    assert not client.is_model_ready(model, "3")
    assert not client.is_model_ready("nothing")
    assert client.get_model_metadata(model, "1") == {
        "name": "reader",
        "versions": ["1", "2"],
        "platform": "pytorch_safetensors",
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 16, 16]}],
        "outputs": [
            {"name": "logits", "datatype": "FP32", "shape": [-1, 10]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]},
            {"name": "digit", "datatype": "INT64", "shape": [-1]},
        ],
    }


@pytest.mark.parametrize(
    ("datatype", "as_bytes"),
    [("UINT8", True), ("UINT8", False), ("FP32", True), ("FP32", False), ("FP64", True), ("INT64", False),
     ("FP16", True)],
)  # fmt: skip
def test_triton_s_client_infers_what_is_reckoned_by_hand(
    served: Served, client: triton.InferenceServerClient, model: str, datatype: str, as_bytes: bool
) -> None:
    array = IMAGES.astype({"UINT8": "u1", "FP32": "f4", "FP64": "f8", "INT64": "i8", "FP16": "f2"}[datatype])
    for version in (1, 2):
        said = client.infer(model, tensor(array, datatype, as_bytes=as_bytes), str(version), request_id="x-1")
        expected = reckoned(served, version)
        assert np.abs(said.as_numpy("logits") - expected).max() < 1e-4
        assert np.abs(said.as_numpy("probabilities") - softmax(expected, axis=1)).max() < 1e-5
        assert said.as_numpy("digit").tolist() == expected.argmax(1).tolist()
        response = said.get_response()
        assert (response["id"], response["model_name"], response["model_version"]) == ("x-1", "reader", str(version))


def test_triton_s_client_gets_the_outputs_that_it_asks_for_each_in_its_way(
    served: Served, client: triton.InferenceServerClient, model: str
) -> None:
    wanted = [
        triton.InferRequestedOutput("digit", binary_data=True),
        triton.InferRequestedOutput("logits", binary_data=False),
        triton.InferRequestedOutput("probabilities", binary_data=True, class_count=0),
    ]
    said = client.infer(model, tensor(IMAGES, "UINT8"), outputs=wanted, priority=3, parameters={"custom": "unknown"})
    outputs = said.get_response()["outputs"]
    assert [(each["name"], each["datatype"], "data" in each) for each in outputs] == [
        ("digit", "INT64", False), ("logits", "FP32", True), ("probabilities", "FP32", False),
    ]  # fmt: skip
    assert [each.get("parameters") for each in outputs] == [{"binary_data_size": 56}, None, {"binary_data_size": 280}]
    expected = reckoned(served, 2)
    assert said.as_numpy("digit").tolist() == expected.argmax(1).tolist()
    assert np.abs(said.as_numpy("logits") - expected).max() < 1e-4
    assert np.abs(said.as_numpy("probabilities") - softmax(expected, axis=1)).max() < 1e-5


def test_triton_s_client_is_told_its_errors(client: triton.InferenceServerClient, model: str) -> None:
    with pytest.raises(InferenceServerException, match=r"must be \[n, height, width\]") as caught:
        client.infer(model, tensor(IMAGES[:, :8], "UINT8"))
    assert caught.value.status() == "400"
    with pytest.raises(InferenceServerException, match="there is no model 'nothing'") as caught:
        client.get_model_metadata("nothing")
    assert caught.value.status() == "404"
    with pytest.raises(InferenceServerException, match="encoding 'gzip'") as caught:
        client.infer(model, tensor(IMAGES, "UINT8"), request_compression_algorithm="gzip")
    assert caught.value.status() == "415"


def test_the_specification_s_own_client_is_answered(
    served: Served, other: generated.OpenInferenceClient, model: str
) -> None:
    other.check_server_liveness()
    other.check_server_readiness()
    other.check_model_readiness(model)
    other.check_model_version_readiness(model, "1")
    assert other.read_server_metadata().name == "ardoise"
    metadata = other.read_model_metadata(model)
    assert metadata == other.read_model_version_metadata(model, "2")
    assert metadata.inputs is not None
    (asked,) = metadata.inputs
    data = types.TensorData(__root__=IMAGES.astype(float).ravel().tolist())
    given = types.RequestInput(
        name=asked.name, shape=[7, *asked.shape[1:]], datatype=asked.datatype, data=data, parameters=None
    )
    logits_alone = types.RequestOutput(name="logits", parameters={"unknown": 1})
    request = types.InferenceRequest(id="42", inputs=[given], outputs=[logits_alone], parameters=None)
    for version, said in ((2, other.model_infer(model, request=request)),
                          (1, other.model_version_infer(model, "1", request=request))):  # fmt: skip
        (output,) = said.outputs
        assert (said.model_name, said.model_version, said.id) == ("reader", str(version), "42")
        assert (output.name, output.datatype, output.shape) == ("logits", "FP32", [7, 10])
        logits = np.array(output.dict()["data"]).reshape(7, 10)
        assert np.abs(logits - reckoned(served, version)).max() < 1e-4
    with pytest.raises(generated_errors.NotFoundError):
        other.check_model_version_readiness(model, "3")
    wrong = given.copy(update={"datatype": "BYTES"})
    with pytest.raises(generated_errors.BadRequestError) as caught:
        other.model_infer(model, request=request.copy(update={"inputs": [wrong]}))
    assert caught.value.body["error"].startswith("inputs/0/datatype: 'BYTES'")
    with pytest.raises(ApiError) as unknown:
        other.model_infer("nothing", request=request)
    assert unknown.value.status_code == 404


def test_damaged_weights_are_a_model_that_is_not_ready(
    served: Served, other: generated.OpenInferenceClient, model: str
) -> None:
    (folder_of(served, 2) / WEIGHTS).write_bytes(b"nothing")
    with pytest.raises(generated_errors.ServiceUnavailableError):
        other.check_model_readiness(model)
    other.check_model_version_readiness(model, "1")
    other.check_server_readiness()


def test_the_champion_answers_and_an_alias_stands_for_a_version(served: Served, model: str) -> None:
    assert infer(served, image()).json()["model_version"] == "2"
    for alias, version in (("champion", 1), ("next", 2)):
        served.http.put(f"/v1/models/{model}/aliases/{alias}", json={"version": version})
    assert infer(served, image()).json()["model_version"] == "1"
    assert infer(served, image(), path="models/reader/versions/next/infer").json()["model_version"] == "2"
    unknown = infer(served, image(), path="models/reader/versions/best/infer")
    assert (unknown.status_code, "champion, next" in unknown.json()["error"]) == (404, True)


def test_numbers_may_be_nested_have_a_channel_or_be_flat(served: Served, model: str) -> None:
    for shape in ((7, 16, 16), (7, 1, 16, 16), (7, 256)):
        said = infer(served, image(shape=shape, data=IMAGES.reshape(shape).tolist()), outputs=[{"name": "logits"}])
        assert said.headers["Content-Type"] == "application/json"
        assert HEADER_LENGTH not in said.headers
        assert set(said.json()) == {"model_name", "model_version", "outputs"}
        (output,) = said.json()["outputs"]
        assert output["shape"] == [7, 10]
        assert np.abs(np.array(output["data"]).reshape(7, 10) - reckoned(served, 2)).max() < 1e-4


def test_a_batch_that_is_run_in_parts_is_answered_in_its_order(served: Served, model: str) -> None:
    many = np.tile(IMAGES, (60, 1, 1))
    said = infer(served, image(many), outputs=[{"name": "digit"}]).json()["outputs"][0]
    assert said["data"] == np.tile(reckoned(served, 2).argmax(1), 60).tolist()


def test_framing_is_switched_on_by_request_and_reads_as_predictions_do(served: Served, model: str) -> None:
    large = np.zeros((1, 40, 30), dtype=np.uint8)
    large[0, 4:20, 9:25] = IMAGES[0]
    refused = infer(served, image(large))
    assert (refused.status_code, "16 x 16" in refused.json()["error"]) == (400, True)
    said = infer(served, image(large), parameters={"framing": True}, outputs=[{"name": "logits"}])
    predicted = served.http.post(f"/v1/models/{model}/predictions", json={"pixels": large[0].tolist()}).json()
    assert said.status_code == 200, said.text
    difference = np.subtract(said.json()["outputs"][0]["data"], predicted["predictions"][0]["logits"])
    assert np.abs(difference).max() < 1e-4


def test_bytes_follow_their_json_as_the_extension_s_example_has_them(served: Served, model: str) -> None:
    head = json.dumps(
        {
            "model_name": "reader",
            "inputs": [{"name": "image", "shape": [7, 16, 16], "datatype": "FP32",
                        "parameters": {"binary_data_size": 7 * 256 * 4}}],
            "outputs": [{"name": "logits", "parameters": {"binary_data": True}}],
        }
    ).encode()  # fmt: skip
    body = head + IMAGES.astype("<f4").tobytes()
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    said = served.http.post("/v2/models/reader/infer", content=body, headers=headers)
    length = int(said.headers[HEADER_LENGTH])
    assert said.headers["Content-Type"] == "application/octet-stream"
    (output,) = json.loads(said.content[:length])["outputs"]
    assert output == {
        "name": "logits", "datatype": "FP32", "shape": [7, 10], "parameters": {"binary_data_size": 280},
    }  # fmt: skip
    logits = np.frombuffer(said.content[length:], dtype="<f4").reshape(7, 10)
    assert np.abs(logits - reckoned(served, 2)).max() < 1e-4


def test_the_specification_s_example_is_told_what_this_model_takes(served: Served, model: str) -> None:
    example = {
        "id": "42",
        "inputs": [
            {"name": "input0", "shape": [2, 2], "datatype": "UINT32", "data": [1, 2, 3, 4]},
            {"name": "input1", "shape": [3], "datatype": "BOOL", "data": [True]},
        ],
        "outputs": [{"name": "output0"}],
    }
    said = served.http.post("/v2/models/reader/infer", json=example)
    assert (said.status_code, said.json()) == (400, {"error": "inputs: must be one input, named 'image'"})


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"shape": [7, 16, 15]}, "inputs/0/data: has 1792 values; the shape [7, 16, 15] has 1680"),
        ({"shape": [0, 16, 16], "data": []}, "inputs/0/shape: [0, 16, 16]: must be"),
        ({"shape": [7, -1, 256]}, "inputs/0/shape/1"),
        ({"shape": []}, "inputs/0/shape"),
        ({"shape": [2**31 - 1] * 8}, "inputs/0/data"),
        ({"datatype": "STRING"}, "inputs/0/datatype"),
        ({"datatype": None}, "inputs/0/datatype"),
        ({"name": "input0"}, "inputs: must be one input"),
        ({"data": None}, "inputs/0/data"),
        ({"data": "text"}, "inputs/0/data"),
        ({"data": [True] * 1792}, "inputs/0/data"),
        ({"data": [0] * 1791 + [True]}, "inputs/0/data: must hold numbers alone"),
        ({"data": [[0] * 256] * 6 + [[0] * 255 + [True]]}, "inputs/0/data: must hold numbers alone"),
        ({"data": ["1"] * 1792}, "inputs/0/data"),
        ({"data": [[1, 2], [3]]}, "inputs/0/data"),
        ({"data": [2**70] * 1792}, "inputs/0/data"),
        ({"data": [0.5] * 1792}, "inputs/0/data: holds a number that is no UINT8"),
        ({"data": [256] * 1792}, "inputs/0/data"),
        ({"datatype": "FP32", "data": [0] * 300 + [255.5] + [0] * 1491}, "inputs/0: image 1, row 2, value 12"),
        ({"datatype": "FP32", "data": [-1] * 1792}, "inputs/0: image 0, row 0, value 0"),
        ({"parameters": {"binary_data_size": 4}}, "inputs/0/data"),
        ({"data": None, "parameters": {"binary_data_size": 4}}, "inputs/0/parameters/binary_data_size"),
        ({"data": None, "parameters": {"binary_data_size": True}}, "inputs/0/parameters/binary_data_size"),
        ({"parameters": []}, "inputs/0/parameters"),
    ],
)
def test_an_input_that_does_not_fit_is_400_and_told_where(
    served: Served, model: str, changes: dict[str, Any], where: str
) -> None:
    said = infer(served, image(**changes))
    assert (said.status_code, set(said.json())) == (400, {"error"}), said.text
    assert where in said.json()["error"]


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"outputs": [{"name": "output0"}]}, "outputs: there is no 'output0'; there are: logits, probabilities, digit"),
        ({"outputs": [{"name": "digit"}, {"name": "digit"}]}, "outputs: must name each output once"),
        ({"outputs": [{"name": "digit", "parameters": {"binary_data": 1}}]}, "outputs/parameters/binary_data"),
        ({"parameters": {"framing": "yes"}}, "parameters/framing"),
        ({"parameters": {"binary_data_output": None}}, "parameters/binary_data_output"),
        ({"id": 42}, "id"),
        ({"inputs": []}, "inputs: must be one input"),
        ({"inputs": {}}, "inputs"),
    ],
)
def test_a_request_that_does_not_fit_is_400_and_told_where(
    served: Served, model: str, more: dict[str, Any], where: str
) -> None:
    said = served.http.post("/v2/models/reader/infer", json={"inputs": [image()]} | more)
    assert (said.status_code, set(said.json())) == (400, {"error"}), said.text
    assert said.json()["error"].startswith(where)


def test_what_is_wrong_with_the_whole_or_with_sides_is_said_once(served: Served, model: str) -> None:
    whole = served.http.post("/v2/models/reader/infer", json=[])
    assert (whole.status_code, whole.json()) == (400, {"error": "must be an object, not []"})
    sides = infer(served, image(shape=[-1, -1])).json()["error"]
    allowed = f"must be between 0 and {2**31 - 1}"
    assert sides == f"inputs/0/shape/0: {allowed}; inputs/0/shape/1: {allowed}"


@pytest.mark.parametrize("length", ["0", "-1", "x", "9999999", "9" * 5000, "²", ""])
def test_a_header_length_that_cannot_be_is_400(served: Served, model: str, length: str) -> None:
    headers = {HEADER_LENGTH.encode(): length.encode()}
    said = served.http.post("/v2/models/reader/infer", content=b"{}", headers=headers)
    assert (said.status_code, HEADER_LENGTH in said.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("content", "length", "message"),
    [
        (b"nothing", None, "not JSON"),
        (b"[1]", None, "must be an object"),
        (b'{"inputs": []}trailing', None, "not JSON"),
        (b'{"inputs": [{"name": "image", "shape": [1], "datatype": "UINT8", "data": [1]}]}\0\0', 79, "2 bytes after"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_400(
    served: Served, model: str, content: bytes, length: int | None, message: str
) -> None:
    headers = {} if length is None else {HEADER_LENGTH: str(length)}
    said = served.http.post("/v2/models/reader/infer", content=content, headers=headers)
    assert (said.status_code, message in said.json()["error"]) == (400, True), said.text


def test_every_error_here_is_the_protocol_s_own(served: Served) -> None:
    asked = [(method, path, 404) for path, found in PATHS.items() if "{" in path for method in found]
    asked += [("delete", path, 405) for path in PATHS]
    asked += [("get", path, 404) for path in ("/v2/nothing", "/v2/models", "/v2/models/Reader", "/v2/models/a/b/c")]
    for method, path, status in asked:
        filled = path.replace("{model}", "nothing").replace("{version}", "1")
        said = served.http.request(method, filled, json={"inputs": [image()]} if method == "post" else None)
        assert (said.status_code, set(said.json())) == (status, {"error"}), (method, path, said.text)
        assert said.headers["Content-Type"] == "application/json"
    large = served.http.post("/v2/models/nothing/infer", content=b" " * (512 * 1024 + 1))
    assert (large.status_code, "larger than" in large.json()["error"]) == (413, True)
    assert served.http.get("/v1/nothing").headers["Content-Type"] == "application/problem+json"
    assert served.http.get("/v2/").json() == served.http.get("/v2").json()


def test_while_the_database_cannot_be_read_the_server_is_alive_and_not_ready(served: Served) -> None:
    with served.database.writing() as session:
        session.connection().exec_driver_sql("ALTER TABLE models RENAME TO elsewhere")
    try:
        said = served.http.get("/v2/health/ready")
        live = served.http.get("/v2/health/live")
    finally:
        with served.database.writing() as session:
            session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO models")
    assert (said.status_code, "database" in said.json()["error"], "Retry-After" in said.headers) == (503, True, True)
    assert live.json() == {"live": True}
    assert served.http.get("/v2/health/ready").json() == {"live": True, "ready": True}
