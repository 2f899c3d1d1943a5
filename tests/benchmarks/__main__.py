"""`python -m tests.benchmarks [NAME...]`: measure all, or the files named."""

import importlib
import json
import os
import pkgutil
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

from tests import benchmarks

OUTPUT = Path("benchmarks.json")


def main(wanted: list[str]) -> None:
    """Run the benchmarks, print a table, write the file."""
    console = Console()
    names = sorted(file.name for file in pkgutil.iter_modules(benchmarks.__path__) if file.name != "__main__")
    found = []
    for name in names:
        if not wanted or name in wanted:
            console.print(f"measuring {name} ...", style="dim")
            found += importlib.import_module(f"tests.benchmarks.{name}").measure()
    table = Table("measure", "ours (s)", "against (s)", "ratio", "goal", "n", title="medians")
    for each in found:
        table.add_row(
            each.name,
            f"{median(each.ours):.4f}",
            f"{median(each.baseline):.4f} {each.baseline_name}",
            f"{each.ratio:.3f}",
            f"<= {each.at_most}",
            str(len(each.ours)),
        )
    console.print(table)
    machine = {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    results = [asdict(each) | {"ratio": each.ratio} for each in found]
    OUTPUT.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    console.print(f"written to {OUTPUT}")


main(sys.argv[1:])
