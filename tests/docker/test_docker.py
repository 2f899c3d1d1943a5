"""What of docker/ can be proved without Docker: its sources are there, and its commands run."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from service import workforce
from service.api import server
from tests.cli.conftest import Served, start, stop

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text().replace("\\\n", "")  # its lines, continued ones as one
COMPOSE = (ROOT / "docker" / "compose.yaml").read_text()


def instructions(name: str) -> list[str]:
    """What follows the instruction each time; of a command, up to the end of its line."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def copied() -> set[str]:
    """What is copied out of the repository."""
    sources = [line.split()[:-1] for line in instructions("COPY") if not line.startswith("--from=")]
    return {source for line in sources for source in line}


def test_everything_that_is_copied_is_there_and_sent_to_the_build() -> None:
    assert {path for path in copied() if not (ROOT / path).exists()} == set()
    sent = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    assert sent.index("*") < min(sent.index(f"!{path}") for path in copied())
    assert {line.removeprefix("!") for line in sent if line.startswith("!")} == copied()


def test_the_package_is_built_of_all_that_it_needs() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *wheel["packages"], *wheel["force-include"]}
    assert copied() == needed


def test_the_lists_of_requirements_are_those_of_the_project(tmp_path: Path) -> None:
    import tomllib

    script = re.search(r"^RUN python <<'SCRIPT'\n(.*?)^SCRIPT$", DOCKERFILE, re.DOTALL | re.MULTILINE)
    assert script is not None
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    subprocess.run([sys.executable, "-c", script.group(1)], cwd=tmp_path, check=True)
    torch, others = ((tmp_path / name).read_text().splitlines() for name in ("torch.txt", "others.txt"))
    assert [re.split(r"[=<>]", each)[0] for each in torch] == ["torch", "torchvision"]
    assert torch + others == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    installed = {file for line in instructions("RUN") for file in re.findall(r"-r /requirements/(\S+)", line)}
    assert installed == {"torch.txt", "others.txt"}


@pytest.mark.parametrize(
    ("given", "expected"), [("", []), ("https://x.invalid/cpu", ["--extra-index-url", "https://x.invalid/cpu"])]
)
def test_the_index_of_cpu_wheels_is_used_where_it_is_given(given: str, expected: list[str]) -> None:
    (install,) = [line for line in instructions("RUN") if "torch.txt" in line]
    said = subprocess.run(
        ["sh", "-c", install.replace("pip install", "printf '%s\\n'", 1)],
        env={"TORCH_INDEX_URL": given}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.splitlines() == [*expected, "-r", "/requirements/torch.txt"]


def health(port: int) -> int:
    """The exit status of the image's own health check."""
    (line,) = instructions("HEALTHCHECK")
    command = json.loads(line.partition("CMD ")[2])
    assert command[0] == "python"
    environment = os.environ | {"ARDOISE_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    return subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, check=False).returncode


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The API as the image starts it, but for this machine alone and on a port of its own."""
    assert json.loads(instructions("CMD")[0]) == ["serve", "--host", "0.0.0.0"]  # noqa: S104  # within the container
    served = start(tmp_path / "home", "--host", "127.0.0.1", "--workers", "0")
    yield served
    stop(served.process)


def test_the_health_check_tells_a_living_service_from_a_dead_one(served: Served) -> None:
    port = int(served.url.rpartition(":")[2])
    assert health(port) == 0
    stop(served.process)
    assert health(port) == 1


def test_the_health_check_does_not_take_an_error_for_health() -> None:
    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the class above
            pass

    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        assert health(server.server_port) == 1
        thread.join()


def test_the_entrypoint_is_a_command_of_the_package() -> None:
    (line,) = instructions("ENTRYPOINT")
    (name,) = json.loads(line)
    assert (Path(sys.executable).parent / name).is_file()


def test_the_image_runs_as_nobody_special_and_keeps_its_data_in_a_volume() -> None:
    environment = dict(part.split("=", 1) for line in instructions("ENV") for part in line.split())
    assert instructions("VOLUME") == [environment["ARDOISE_HOME"]]
    assert instructions("USER") == ["ardoise"]
    made = next(line for line in instructions("RUN") if "useradd" in line)
    assert f'-o ardoise {environment["ARDOISE_HOME"]} "$MPLCONFIGDIR"' in made
    after = DOCKERFILE[DOCKERFILE.index("USER ardoise") :]
    assert "pip" not in after


def compose() -> dict[str, str]:
    """Every scalar of the compose file by its path; the file keeps to mappings, lists and scalars, a line each."""
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    counts: dict[str, int] = {}
    for line in COMPOSE.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        while path and path[-1][0] >= indent:
            path.pop()
        here = ".".join(name for _, name in path)
        if text.startswith("- "):
            number = counts[here] = counts.get(here, -1) + 1
            found[f"{here}.{number}"] = text.removeprefix("- ").strip('"')
            continue
        key, _, value = text.partition(":")
        path.append((indent, key))
        if value.strip():
            found[".".join(name for _, name in path)] = value.strip().strip('"')
    return found


def test_compose_publishes_the_service_on_this_machine_alone() -> None:
    facts = compose()
    (ports,) = [value for path, value in facts.items() if path.startswith("services.ardoise.ports.")]
    assert re.fullmatch(r"127\.0\.0\.1:\$\{ARDOISE_PORT:-8000\}:8000", ports)
    assert instructions("EXPOSE") == ["8000"]


def test_compose_builds_this_image_and_keeps_its_data() -> None:
    facts = compose()
    context = (ROOT / "docker" / facts["services.ardoise.build.context"]).resolve()
    assert context == ROOT
    assert (context / facts["services.ardoise.build.dockerfile"]).samefile(ROOT / "docker" / "Dockerfile")
    assert "services.ardoise.build.args.TORCH_INDEX_URL" in facts
    assert re.search(r"^ARG TORCH_INDEX_URL=", DOCKERFILE, re.MULTILINE)
    volume, folder = facts["services.ardoise.volumes.0"].split(":")
    assert f"volumes.{volume}" in facts
    assert [folder] == instructions("VOLUME")
    assert facts["services.ardoise.restart"] == "unless-stopped"


def test_compose_gives_the_service_the_time_that_it_takes_to_end() -> None:
    grace = float(compose()["services.ardoise.stop_grace_period"].removesuffix("s"))
    assert grace > server.LAST_REQUESTS_SECONDS + workforce.DRAIN_SECONDS
