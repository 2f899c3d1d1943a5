"""`python -m tests.benchmarks.ui [NAME...]`: the dashboard's targets, measured in Chromium against a real service."""

import importlib
import json
import os
import pkgutil
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from service.domain.sweep import SweepRequest
from tests.benchmarks import Statement, ui
from tests.served import served
from tests.web.conftest import ARGUMENTS, CHROMIUM

OUTPUT = Path("benchmarks-ui.json")
NOWHERE = Path("nowhere")
RUNS = {
    "base": {"dataset": "digits", "architecture": "mlp", "epochs": 20},
    "grid": {"activation": ["identity", "tanh", "sigmoid", "relu"]},
    "seeds": [0, 1, 2, 3, 4],
}
"""What is on the bench: twenty runs that have ended."""


def main(wanted: list[str]) -> None:
    """Run what is in this folder, print a table, write the file."""
    console = Console(width=None if os.isatty(1) else 160)
    if CHROMIUM is None:
        console.print("there is no Chromium on this machine: nothing is measured")
        return
    names = [each.name for each in pkgutil.iter_modules(ui.__path__) if each.name != "__main__"]
    found: list[Statement] = []
    with served(workers=1, data_dir=NOWHERE) as service, sync_playwright() as playwright:
        service.sweep(SweepRequest.model_validate(RUNS).model_dump(mode="json", exclude_none=True))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name in names:
            if not wanted or name in wanted:
                console.print(f"measuring {name} ...", style="dim")
                page = browser.new_page(base_url=service.url, viewport={"width": 1280, "height": 800})
                page.goto("/#/nowhere")
                found += importlib.import_module(f"tests.benchmarks.ui.{name}").measure(page)
                page.close()
        version = browser.version
        browser.close()
    table = Table("measure", "value", "unit", "remark", title="the dashboard")
    for each in found:
        table.add_row(each.name, f"{each.value:.4g}", each.unit, each.remark)
    console.print(table)
    machine = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine(), "chromium": version}
    OUTPUT.write_text(json.dumps({"machine": machine, "results": [asdict(each) for each in found]}, indent=2) + "\n")
    console.print(f"written to {OUTPUT}")


if __name__ == "__main__":
    main(sys.argv[1:])
