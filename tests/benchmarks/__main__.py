"""`python -m tests.benchmarks [NAME...]`: measure all, or the files named; folders are programs of their own."""

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
from tests.benchmarks import Measurement, Statement

OUTPUT = Path("benchmarks.json")


def main(wanted: list[str]) -> None:
    """Run the benchmarks, print a table, write the file."""
    console = Console()
    files = [file for file in pkgutil.iter_modules(benchmarks.__path__) if not file.ispkg]
    names = sorted(file.name for file in files if file.name != "__main__")
    found: list[Measurement | Statement] = []
    for name in names:
        if not wanted or name in wanted:
            console.print(f"measuring {name} ...", style="dim")
            found += importlib.import_module(f"tests.benchmarks.{name}").measure()
    console.print(_compared([each for each in found if isinstance(each, Measurement)]))
    console.print(_stated([each for each in found if isinstance(each, Statement)]))
    machine = {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    results = [asdict(each) | ({"ratio": each.ratio} if isinstance(each, Measurement) else {}) for each in found]
    OUTPUT.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    console.print(f"written to {OUTPUT}")


def _compared(measurements: list[Measurement]) -> Table:
    table = Table("measure", "ours (s)", "against (s)", "ratio", "goal", "n", title="medians")
    for each in measurements:
        table.add_row(
            each.name,
            f"{median(each.ours):.4f}",
            f"{median(each.baseline):.4f} {each.baseline_name}",
            f"{each.ratio:.3f}",
            f"<= {each.at_most}",
            str(len(each.ours)),
        )
    return table


def _stated(statements: list[Statement]) -> Table:
    table = Table("figure", "value", "with it", title="statements")
    for each in statements:
        table.add_row(each.name, f"{each.value:.3g} {each.unit}".rstrip(), each.remark)
    return table


if __name__ == "__main__":
    main(sys.argv[1:])
