import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service import listening
from service.client import Client
from service.domain.experiment import Experiment, State
from service.domain.metrics import EpochMetrics
from service.errors import ArdoiseError
from service.settings import Settings
from service.workforce import environment as environment_of
from tests.cli.conftest import Ardoise, Served, descendants, environment, has_ended, stop, until

LONG = {"dataset": "synthetic", "architecture": "cnn", "epochs": 25}
Serving = Callable[..., Served]


def test_sigterm_ends_the_service_and_all_its_processes(serving: Serving) -> None:
    served = serving("--workers", "1")
    until(lambda: len(served.children) >= 2, what="the supervisor and its worker")
    children = served.children
    served.process.terminate()
    assert served.process.wait(timeout=60) == 0
    until(lambda: all(map(has_ended, children)), what="the end of the children", seconds=30)


def test_an_interrupt_ends_it_as_well(serving: Serving) -> None:
    served = serving("--workers", "0")
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=60) == 0


def test_children_end_by_themselves_when_the_service_is_killed(serving: Serving) -> None:
    served = serving("--workers", "1")
    until(lambda: len(served.children) >= 2, what="the supervisor and its worker")
    children = served.children
    served.process.kill()
    until(lambda: all(map(has_ended, children)), what="the end of the children", seconds=30)


def test_a_supervisor_that_dies_is_replaced(serving: Serving) -> None:
    served = serving("--workers", "1")
    until(lambda: len(served.children) >= 2, what="the supervisor and its worker")
    supervisor, *workers = served.children
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: all(map(has_ended, workers)), what="the end of the orphaned workers", seconds=30)
    until(lambda: len(served.children) >= 2, what="another supervisor and worker")
    assert supervisor not in served.children
    log = (served.home.parent / "home.log").read_text()
    assert "the workers' supervisor ended by itself status=-9 next_in_seconds=0.5" in log


def test_a_watch_sees_a_whole_run_across_a_restart(serving: Serving) -> None:
    first = serving("--workers", "1")
    port = int(first.url.rpartition(":")[2])
    with Client(first.url) as client:
        news = client.watch(client.submit(LONG).id)
        seen = [next(row for row in news if isinstance(row, EpochMetrics)).epoch]
        assert stop(first.process) == 0
        serving("--workers", "1", port=port)
        *rest, last = news
    seen += [row.epoch for row in rest if isinstance(row, EpochMetrics)]
    assert seen == list(range(1, 26))
    assert isinstance(last, Experiment)
    assert (last.state, last.attempt) == (State.COMPLETED, 2)


def test_without_workers_runs_wait_for_a_worker_from_elsewhere(serving: Serving) -> None:
    served = serving("--workers", "0")
    assert "no worker" in served.said
    assert descendants(served.process.pid) == []
    with Client(served.url) as client:
        assert client.ready() is False
        experiment = client.submit({**LONG, "epochs": 2})
        command = [sys.executable, "-m", "service.cli", "worker", "--count", "1", "--drain"]
        log = subprocess.run(
            command, env=environment(home=str(served.home)), capture_output=True, text=True, timeout=90, check=True
        ).stderr
        assert client.get(experiment.id).state is State.COMPLETED, log
        assert client.queue().queued == 0


def test_a_busy_port_is_said_and_nothing_is_started(serving: Serving, tmp_path: Path, ardoise: Ardoise) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = ardoise("serve", "--port", port)
    assert (said.status, said.out) == (1, "")
    assert said.err == (
        f"ardoise: port {port} of 127.0.0.1 is in use by another program: "
        "stop it, or choose another port with --port or ARDOISE_PORT\n"
    )


def test_an_address_that_is_not_here_is_said() -> None:
    with pytest.raises(ArdoiseError, match=r"port 0 of 192\.0\.2\.1 cannot be listened on"):
        listening.listen(listening.resolve("192.0.2.1", 0))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serve", "--port", "70000"), "--port=70000: input should be less than or equal to 65535"),
        (("serve", "--workers", "many"), "--workers=many: input should be 'auto' or input should be"),
        (("migrate",), "ARDOISE_LEASE_SECONDS=soon: input should be a valid number"),
    ],
)
def test_a_wrong_setting_is_named(
    arguments: tuple[str, ...], said: str, ardoise: Ardoise, monkeypatch: pytest.MonkeyPatch
) -> None:
    if arguments == ("migrate",):
        monkeypatch.setenv("ARDOISE_LEASE_SECONDS", "soon")
    answer = ardoise(*arguments)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith(f"ardoise: {said}")
    assert answer.err.count("\n") == 1


def test_a_service_that_cannot_start_ends_with_its_workers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("not a folder")
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--workers", "1"]
    ended = subprocess.run(
        command, env=environment(home=str(home)), capture_output=True, text=True, timeout=90, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert str(home) in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("ardoise: ")


def test_migrate_makes_a_database_and_changes_nothing_the_second_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service.cli", "migrate"]
    for _ in range(2):
        said = subprocess.run(
            command, env=environment(home="data"), cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        assert said == f"sqlite:///{tmp_path / 'data' / 'ardoise.db'} is up to date\n"
    assert (tmp_path / "data" / "ardoise.db").stat().st_size > 0


def test_children_are_given_the_same_settings_wherever_they_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARDOISE_LOG_LEVEL", "debug")
    settings = Settings(home=Path("here"), workers=3, lease_seconds=2.5, database_url="sqlite:///elsewhere.db")
    given = environment_of(settings)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    for name, value in given.items():
        if name.startswith("ARDOISE_"):
            monkeypatch.setenv(name, value)
    theirs = Settings()
    assert theirs.model_dump(exclude={"home", "artifacts", "data_dir"}) == settings.model_dump(
        exclude={"home", "artifacts", "data_dir"}
    )
    assert (theirs.home, theirs.artifacts_dir) == (tmp_path / "here", tmp_path / "here" / "artifacts")


def test_a_folder_called_workers_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "__init__.py").touch()
    (tmp_path / "workers" / "__main__.py").write_text("print('an impostor')")
    command = [sys.executable, "-m", "workers", "--help"]
    said = subprocess.run(
        command, env=environment_of(Settings(home=tmp_path)), cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert "--until-stdin-closes" in said
