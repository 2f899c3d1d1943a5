import json
import os
import resource
import subprocess
import sys

import pytest

from tests.cli.conftest import environment

HEAVY = ("torch", "torchvision", "sklearn", "scipy", "matplotlib", "numpy", "sqlalchemy", "fastapi", "uvicorn", "PIL")


@pytest.mark.parametrize("module", ["service.cli", "service.client"])
def test_what_only_asks_a_service_imports_nothing_that_computes_or_serves(module: str) -> None:
    code = f"import {module}, json, sys; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert module in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_help_takes_less_than_a_second_of_the_processor() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    help_command = [sys.executable, "-m", "service.cli", "--help"]
    said = subprocess.run(help_command, env=environment(), capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    commands = ("serve", "worker", "migrate", "demo", "submit", "watch", "list", "show", "cancel", "curves", "predict")
    assert [each for each in commands if f" {each} " not in said] == []


def test_the_installed_command_is_the_same() -> None:
    command = os.path.join(os.path.dirname(sys.executable), "ardoise")  # noqa: PTH118, PTH120  # a venv's symlink is not resolved so
    said = subprocess.run([command, "submit", "--help"], env=environment(), capture_output=True, text=True, check=True)
    assert "--learning-rate" in said.stdout
    assert said.stderr == ""
