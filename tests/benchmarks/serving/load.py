"""Requests as fast as they are answered: by wrk where it is installed, else by a program of our own, which is slower.

Either has one thread and holds all connections open. A connection sends its next request when its answer is there.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.serving import Body, Load

SCRIPT = Path(__file__).with_name("requests.lua")
LONGEST_SECONDS = 60


def generator() -> str:
    """Its name."""
    return "wrk" if shutil.which("wrk") else "tests/benchmarks/serving/client.py"


def put(url: str, folder: Path, body: Body, *, connections: int, seconds: float) -> Load:
    """Send the numbered files of the folder in turn for so long."""
    count = sum(1 for _ in folder.iterdir())
    if shutil.which("wrk"):
        options = ["--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"]
        command = ["wrk", *options, "--script", str(SCRIPT), url, "--", str(folder), str(count), body.media_type]
    else:
        module = "tests.benchmarks.serving.client"
        command = [sys.executable, "-m", module, url, str(folder), body.media_type, str(connections), str(seconds)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + LONGEST_SECONDS)
    found = json.loads(said.stdout.splitlines()[-1])
    return Load(found["requests"] / found["seconds"], found["p50_ms"], found["p99_ms"], found["errors"])
