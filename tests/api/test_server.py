"""How the service starts, what it imports, and how it ends."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service import logs
from service.settings import LogFormat
from tests.api.conftest import serving, settings_for, wait_until

HEAVY = ("torch", "torchvision", "sklearn", "matplotlib", "scipy")
PROGRAM = f"""
import sys
from service.app import create_app
from service.settings import Settings
app = create_app(Settings(home="nowhere"))
print([name for name in {HEAVY} if name in sys.modules])
app.openapi()  # its examples of comparisons are reckoned, with scipy
print([name for name in {HEAVY} if name in sys.modules and name != "scipy"])
"""


def test_the_app_is_made_without_anything_heavy_and_without_touching_the_disk(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(logs.__file__).parent.parent)},
    )
    assert found.stdout.split() == ["[]", "[]"], found.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_server_ends_at_once_though_readers_wait(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served, ThreadPoolExecutor(2) as pool:
        path = f"/v1/experiments/{served.submit()}"
        held = pool.submit(served.http.get, f"{path}/metrics?wait=60")
        streamed = pool.submit(served.http.get, f"{path}/events")
        wait_until(lambda: served.service.changes.waiting == 2)
        served.server.should_exit = True
        assert held.result(3).status_code == 200
        assert "event: state" in streamed.result(3).text


def test_what_was_accepted_is_there_after_a_restart(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path)) as served:
        experiment_id = served.submit()
    with serving(settings_for(tmp_path)) as served:
        assert served.http.get(f"/v1/experiments/{experiment_id}").json()["state"] == "queued"


def test_every_log_line_is_one_json_object_whatever_is_in_it(tmp_path: Path) -> None:
    program = """
import logging, structlog
from service import logs
from service.settings import Settings
logs.configure(Settings(log_format="FORMAT", log_level="info"))
log = structlog.get_logger("x")
structlog.contextvars.bind_contextvars(request_id="r\\n1")
log.info("a\\nb\\x1b[31m\\u2028", value="x\\ud800\\r", number=float("nan"), many={"k\\n": ("a", object)})
log.debug("not shown")
logging.getLogger("uvicorn.error").info("started %s", "a\\nb")
logging.getLogger("httpx").info("not shown")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
"""
    for format_ in LogFormat:
        found = subprocess.run(
            [sys.executable, "-c", program.replace("FORMAT", format_)],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={"PYTHONPATH": str(Path(logs.__file__).parent.parent)},
        )
        assert found.stdout == ""
        lines = found.stderr.split("\n")
        assert len(lines) == 4
        assert lines[-1] == ""
        assert all(line.isprintable() for line in lines)
        assert "ZeroDivisionError: division by zero" in lines[2]
        if format_ is LogFormat.JSON:
            first, second, _ = (json.loads(line) for line in lines[:3])
            assert first["request_id"] == second["request_id"] == "r\n1"
            assert (first["event"], first["value"], first["number"]) == ("a\nb\x1b[31m\u2028", "x\\ud800\r", "nan")
            assert (second["event"], second["level"]) == ("started a\nb", "info")
        else:
            assert lines[1].split(" ", 1)[1] == r'info    started a\nb request_id="r\n1"'
