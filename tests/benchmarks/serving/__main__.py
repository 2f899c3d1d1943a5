"""`python -m tests.benchmarks.serving`: measure, print the tables, write the file."""

import argparse
import json
import os
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console

from tests.benchmarks.serving import BODIES, CONNECTIONS, Body, load, rounds, subjects, tables
from tests.served import served

OUTPUT = Path("benchmarks-serving.json")


def main() -> None:
    """As the command line has it."""
    asked, console = _asked(), Console(width=None if os.isatty(1) else 160)
    if not (subjects.DATA_DIR / "MNIST").is_dir():
        console.print("ARDOISE_DATA_DIR names no folder with MNIST in it: nothing is measured")
        return
    settings = {} if asked.processes is None else {"api_processes": asked.processes}
    with tempfile.TemporaryDirectory() as folder, served(data_dir=subjects.DATA_DIR, **settings) as service:
        console.print(f"training {', '.join(asked.networks)} ...", style="dim")
        trained = subjects.trained(service, asked.networks)
        with subjects.naive(trained) as baseline:
            bodies = subjects.write_bodies(Path(folder), asked.bodies)
            plan = rounds.Plan(service, baseline, trained, bodies, connections=asked.connections, seconds=asked.seconds)
            console.print(f"measuring with {load.generator()} ...", style="dim")
            plan.check()
            found = plan.measure(rounds=asked.rounds, beside=asked.training)
    for table in tables.of(found):
        console.print(table)
    machine = {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load_generator": load.generator(),
        "api_processes": asked.processes,
    }
    OUTPUT.write_text(json.dumps({"machine": machine, "results": asdict(found)}, indent=2) + "\n")
    console.print(f"written to {OUTPUT}")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-serving ARGS=...")
    parser.add_argument("--rounds", type=int, default=3, help="the figures are medians of so many (3)")
    parser.add_argument("--seconds", type=int, default=2, help="of each cell in each round (2)")
    parser.add_argument("--networks", nargs="+", choices=[*subjects.SPECS], default=[*subjects.SPECS])
    parser.add_argument("--bodies", nargs="+", type=Body, choices=[*BODIES], default=[*BODIES])
    parser.add_argument("--connections", nargs="+", type=int, default=[*CONNECTIONS])
    parser.add_argument("--processes", help="API processes of the service")
    parser.add_argument("--no-training", dest="training", action="store_false", help="leave out the run beside")
    return parser.parse_args()


if __name__ == "__main__":
    main()
