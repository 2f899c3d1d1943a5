"""Several API processes behind one port: none answers what another has made untrue, and none takes work with it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.client import Client
from service.connection import patiently
from tests.cli.conftest import LONG_SECONDS, Served, api_processes, environment, has_ended, start, stop, until

SPEC = {"dataset": "synthetic", "architecture": "perceptron", "epochs": 3, "checkpoints": {"keep": "all"}}
ENDLESS = {"dataset": "synthetic", "architecture": "cnn", "epochs": 10_000}
DIGIT = {"pixels": [[0] * 8, *[[0, 0, 0, 200, 200, 0, 0, 0]] * 6, [0] * 8]}
PATIENCE_SECONDS = 30.0
PREDICTED = "ardoise_predicted_images_total"
Serving = Callable[..., Served]


def parent_of(pid: int) -> int:
    columns = ["ps", "-o", "ppid=", "-p", str(pid)]
    return int(subprocess.run(columns, capture_output=True, text=True, check=True).stdout)


@contextmanager
def alone(served: Served, one: int) -> Iterator[None]:
    """The others stand still meanwhile: a connection that is made now is this one's."""
    others = [pid for pid in api_processes(served.process) if pid != one]
    try:
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def connected(served: Served, one: int) -> Iterator[httpx.Client]:
    """A client whose one connection, which it keeps, is to this process."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    with httpx.Client(base_url=served.url, limits=limits, timeout=PATIENCE_SECONDS, trust_env=False) as http:
        with alone(served, one):
            assert http.get("/livez").status_code == 200
        yield http


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two API processes and a worker."""
    served = start(tmp_path_factory.mktemp("two") / "home", "--api-processes", "2", "--workers", "1")
    try:
        until(served.is_ready, what="a worker that is ready")
        yield served
    finally:
        stop(served.process)


@pytest.fixture
def both(two: Served) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """A client of each process."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(connected(two, pid)) for pid in api_processes(two.process))
        yield first, second


def submit(http: httpx.Client, **more: Any) -> str:
    answer = http.post("/v1/experiments", json=SPEC | more)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def completed(http: httpx.Client, **more: Any) -> str:
    experiment_id = submit(http, **more)
    until(lambda: state_of(http, experiment_id) == "completed", what="the end of the run")
    return experiment_id


def state_of(http: httpx.Client, experiment_id: str) -> str:
    return str(http.get(f"/v1/experiments/{experiment_id}").json()["state"])


def read(http: httpx.Client, path: str, **query: str) -> httpx.Response:
    return http.post(f"{path}/predictions", json=DIGIT, params=query)


def test_each_process_answers_and_says_that_it_is_ready(both: tuple[httpx.Client, httpx.Client]) -> None:
    assert [http.get("/readyz").status_code for http in both] == [200, 200]
    assert both[0].get("/v1/queue").json() == both[1].get("/v1/queue").json()


def test_each_shows_what_all_of_them_and_the_worker_have_counted(both: tuple[httpx.Client, httpx.Client]) -> None:
    def counted(http: httpx.Client, name: str) -> float:
        families = text_string_to_metric_families(http.get("/metrics").text)
        return sum(each.value for one in families for each in one.samples if each.name == name)

    epochs, images = (counted(both[0], name) for name in ("ardoise_trained_epochs_total", PREDICTED))
    own = f"/v1/experiments/{completed(both[0])}"
    for http in both:
        assert [read(http, own).status_code for _ in range(3)] == [200] * 3
    assert [counted(http, "ardoise_trained_epochs_total") - epochs for http in both] == [3, 3]
    assert [counted(http, PREDICTED) - images for http in both] == [6, 6]


def test_what_they_are_forked_from_has_one_thread(two: Served) -> None:
    parent = parent_of(api_processes(two.process)[0])
    assert len([*Path(f"/proc/{parent}/task").iterdir()]) == 1


def test_what_one_deletes_the_other_does_not_answer_any_more(both: tuple[httpx.Client, httpx.Client]) -> None:
    for here, there in (both, both[::-1]):
        own = f"/v1/experiments/{completed(here)}"
        tag = here.get(f"{own}/metrics").headers["ETag"]
        for http in both:
            for _ in range(3):  # from now on it is loaded, and its name known
                assert read(http, own).status_code == 200
            assert http.get("/v1/experiments").json()["items"][0]["links"]["self"] == own
            assert http.get(f"{own}/metrics", headers={"If-None-Match": tag}).status_code == 304
            assert http.get(f"{own}/checkpoints/best/onnx").status_code == 200
        assert here.delete(own).status_code == 204
        assert read(there, own).status_code == 404
        assert there.get(own).status_code == 404
        assert there.get(f"{own}/metrics", headers={"If-None-Match": tag}).status_code == 404
        assert there.get(f"{own}/checkpoints/best/onnx").status_code == 404
        assert all(own != each["links"]["self"] for each in there.get("/v1/experiments").json()["items"])


def test_what_one_continues_is_new_to_the_other(both: tuple[httpx.Client, httpx.Client]) -> None:
    here, there = both
    experiment_id = completed(here)
    own = f"/v1/experiments/{experiment_id}"
    tag = there.get(f"{own}/metrics").headers["ETag"]
    assert read(there, own, checkpoint="last").json()["checkpoint"]["epoch"] == 3
    assert here.post(f"{own}/continue", json={"epochs": 2}).status_code == 202
    assert there.get(own).json()["progress"]["epochs"] == 5
    until(lambda: state_of(here, experiment_id) == "completed", what="the end of the run")
    assert read(there, own, checkpoint="last").json()["checkpoint"]["epoch"] == 5
    assert there.get(f"{own}/metrics", headers={"If-None-Match": tag}).status_code == 200


def test_a_checkpoint_that_one_shows_is_the_other_s_last(both: tuple[httpx.Client, httpx.Client]) -> None:
    here, there = both
    own = f"/v1/experiments/{submit(here, epochs=40, architecture='cnn')}"
    until(lambda: here.get(f"{own}/checkpoints").json()["items"], what="a checkpoint")
    looks = 0
    while here.get(own).json()["state"] == "running":
        shown = max(each["epoch"] for each in here.get(f"{own}/checkpoints").json()["items"])
        assert read(there, own, checkpoint="last").json()["checkpoint"]["epoch"] >= shown
        looks += 1
    assert looks > 10


def test_an_alias_that_one_moves_or_rolls_back_is_moved_for_the_other(
    both: tuple[httpx.Client, httpx.Client],
) -> None:
    here, there = both
    own = completed(here)
    for epoch in (1, 2):
        version = {"experiment_id": own, "checkpoint": str(epoch)}
        assert here.put("/v1/models/lab", json=version).status_code == 201

    def champion(http: httpx.Client) -> int:
        return int(read(http, "/v1/models/lab").json()["model"]["version"])

    alias = "/v1/models/lab/aliases/champion"
    for http, other in (both, both[::-1]) * 3:
        assert http.put(alias, json={"version": 1}).status_code == 200
        assert champion(other) == 1
        assert http.put(alias, json={"version": 2}).status_code == 200
        assert champion(other) == 2
        assert http.post(f"{alias}/rollback").status_code == 200
        assert champion(other) == champion(http) == 1
    assert here.delete(alias).status_code == 204
    assert here.delete("/v1/models/lab/versions/2").status_code == 204
    assert champion(there) == 1
    assert here.delete("/v1/models/lab").status_code == 204
    assert read(there, "/v1/models/lab").status_code == 404


def test_an_epoch_is_told_to_who_waits_whichever_process_serves_them(both: tuple[httpx.Client, httpx.Client]) -> None:
    here, there = both
    own = f"/v1/experiments/{submit(here, epochs=20, architecture='cnn')}"
    seen: list[int] = []
    http = there
    while not seen or seen[-1] < 20:
        page = http.get(f"{own}/metrics", params={"after_epoch": len(seen), "wait": "20"}).json()
        seen += [row["epoch"] for row in page["items"]]
        http = here if http is there else there
    assert seen == [*range(1, 21)]


def test_who_waits_at_one_hears_what_is_done_at_the_other(both: tuple[httpx.Client, httpx.Client]) -> None:
    here, there = both
    blocking = submit(here, **ENDLESS)
    waiting = f"/v1/experiments/{submit(here)}"
    with ThreadPoolExecutor() as pool, there.stream("GET", f"{waiting}/events") as stream:
        events = stream.iter_lines()
        assert next(events) == "event: state"
        assert here.post(f"{waiting}/cancel").status_code == 202
        rest = pool.submit(list, events).result(PATIENCE_SECONDS)
        assert [line for line in rest if line.startswith("event: ")][-2:] == ["event: state", "event: end"]
    waiting = f"/v1/experiments/{submit(here)}"
    with ThreadPoolExecutor() as pool:
        held = pool.submit(there.get, f"{waiting}/metrics", params={"wait": "60"})
        assert here.post(f"{waiting}/cancel").status_code == 202
        assert held.result(PATIENCE_SECONDS).json()["state"] == "cancelled"
    assert here.post(f"/v1/experiments/{blocking}/cancel").status_code == 202


def test_a_key_is_used_once_whichever_process_sees_it(two: Served) -> None:
    def send(number: int) -> str:
        with Client(two.url) as client:
            return client.submit(SPEC | {"epochs": 1}, idempotency_key=f"key-{number % 5}").id

    with ThreadPoolExecutor(10) as pool:
        ids = [*pool.map(send, range(50))]
    assert [len({*ids[number::5]}) for number in range(5)] == [1] * 5
    assert len({*ids}) == 5


def test_one_that_is_killed_under_load_takes_no_accepted_work_with_it_and_is_replaced(two: Served) -> None:
    before = api_processes(two.process)
    accepted: list[str] = []
    stopping = threading.Event()

    def load(number: int) -> None:
        """Submits, and submits again with the same key where no answer came."""
        with Client(two.url) as client:
            for turn in range(10_000):
                if stopping.is_set():
                    return
                key = f"load-{number}-{turn}"
                spec = {**SPEC, "epochs": 1, "tags": [key]}
                again = partial(client.submit, spec, idempotency_key=key)
                accepted.append(patiently(again, patience=PATIENCE_SECONDS).id)

    with ThreadPoolExecutor(6) as pool:
        loads = [pool.submit(load, number) for number in range(6)]
        for victim in before:
            count = len(accepted)
            until(lambda count=count: len(accepted) > count + 30, what="some accepted work")  # type: ignore[misc]
            os.kill(victim, signal.SIGKILL)
            until(lambda: len(api_processes(two.process)) == 2, what="another process in its place")
        count = len(accepted)
        until(lambda: len(accepted) > count + 30, what="more accepted work")
        stopping.set()
        for each in loads:
            each.result(PATIENCE_SECONDS)
    assert set(before).isdisjoint(api_processes(two.process))
    log = (two.home.parent / "home.log").read_text()
    assert [f"pid={pid} status=-9" in log for pid in before] == [True, True]
    with Client(two.url) as client:
        stored = {each.id: each.spec.tags for each in client.iterate()}
        assert set(accepted) <= stored.keys()
        keys = [tag for tags in stored.values() for tag in tags if tag.startswith("load-")]
        assert len(keys) == len(set(keys)) == len(accepted)
    for pid in api_processes(two.process):
        with connected(two, pid) as http:
            assert http.get("/readyz").status_code == 200


def test_a_connection_that_waits_is_answered_though_all_die(two: Served) -> None:
    for pid in api_processes(two.process):
        os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(httpx.get, f"{two.url}/livez", timeout=PATIENCE_SECONDS) for _ in range(4)]
        until(lambda: waiting_connections(two) >= 4, what="connections that nobody accepts")
        for pid in api_processes(two.process):
            os.kill(pid, signal.SIGKILL)
        assert [each.result().status_code for each in asked] == [200] * 4


def waiting_connections(served: Served) -> int:
    """That the kernel holds for the service: in the table of a listening socket, its receive queue."""
    port = f":{int(served.url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].partition(":")[2], 16) for row in rows if row[1].endswith(port) and row[3] == "0A")


def test_they_are_replaced_when_the_server_that_they_are_forked_from_dies(two: Served) -> None:
    before = api_processes(two.process)
    os.kill(parent_of(before[0]), signal.SIGKILL)
    until(lambda: len({*api_processes(two.process)} - {*before}) == 2, what="two others")
    until(lambda: all(map(has_ended, before)), what="the end of those before")
    until(two.is_ready, what="an answer")


def test_they_end_with_the_service_and_requests_in_flight_are_answered(serving: Serving) -> None:
    served = serving("--api-processes", "2", "--workers", "0")
    children = served.children
    assert len(api_processes(served.process)) == 2
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        clients = [stack.enter_context(connected(served, pid)) for pid in api_processes(served.process)]
        own = f"/v1/experiments/{submit(clients[0])}"
        streams = [stack.enter_context(http.stream("GET", f"{own}/events")) for http in clients]
        lines = [stream.iter_lines() for stream in streams]
        assert [next(each) for each in lines] == ["event: state"] * 2
        rests = [pool.submit(list, each) for each in lines]
        served.process.terminate()
        assert all("queued" in "".join(rest.result(PATIENCE_SECONDS)) for rest in rests)
    assert served.process.wait(LONG_SECONDS) == 0
    until(lambda: all(map(has_ended, children)), what="the end of the children")


def test_a_second_interrupt_waits_for_nothing(serving: Serving) -> None:
    served = serving("--api-processes", "2", "--workers", "0")
    children = served.children
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(b"POST /v1/experiments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        httpx.get(f"{served.url}/livez")
        served.process.send_signal(signal.SIGINT)
        until(lambda: "Shutting down" in (served.home.parent / "home.log").read_text(), what="the beginning of the end")
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(LONG_SECONDS) == 0
    until(lambda: all(map(has_ended, children)), what="the end of the children")
    assert "graceful shutdown exceeded" not in (served.home.parent / "home.log").read_text()


def test_they_end_by_themselves_when_the_service_is_killed(serving: Serving) -> None:
    served = serving("--api-processes", "2", "--workers", "1")
    children = served.children
    served.process.kill()
    until(lambda: all(map(has_ended, children)), what="the end of the children", seconds=30)


def test_a_service_none_of_whose_processes_can_start_ends_and_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("not a folder")
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--workers", "1", "--api-processes", "2"]
    ended = subprocess.run(
        command, env=environment(home=str(home)), capture_output=True, text=True, timeout=LONG_SECONDS, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert str(home) in ended.stderr
    assert ended.stderr.splitlines()[-1] == "ardoise: the API did not start; the log above says why"
