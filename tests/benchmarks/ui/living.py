"""A new epoch: from when it is stored to when somebody can see it."""

from datetime import datetime
from statistics import median

import httpx
from playwright.sync_api import Page

from tests.benchmarks import Statement

EPOCHS = 60
SPEC = {
    "dataset": "digits", "architecture": {"name": "cnn", "channels": [32, 64], "hidden": [128]}, "epochs": EPOCHS,
}  # fmt: skip
WATCH = """(id) => {
    window.seen = [];
    const look = () => {
        const text = document.querySelector(`tr[data-id="${id}"] .state`)?.textContent ?? '';
        const epoch = Number(/epoch (\\d+)/.exec(text)?.[1] ?? (text.includes('completed') ? EPOCHS : 0));
        if (epoch > (window.seen.at(-1)?.[0] ?? 0)) window.seen.push([epoch, Date.now() / 1000]);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def measure(page: Page) -> list[Statement]:
    """In the list, for each epoch of a run until it or a newer one is shown; the goal is 1.5 s."""
    url = page.evaluate("location.origin")
    page.goto("/#/experiments")
    page.wait_for_selector(".runs tbody tr")
    with httpx.Client(base_url=url, trust_env=False) as http:
        run = http.post("/v1/experiments", json=SPEC).raise_for_status().json()["id"]
        page.evaluate(WATCH.replace("EPOCHS", str(EPOCHS)), run)
        page.wait_for_selector(f'tr[data-id="{run}"] .chip--completed', timeout=120_000)
        rows = http.get(f"/v1/experiments/{run}/metrics").raise_for_status().json()["items"]
    seen: list[tuple[int, float]] = page.evaluate("window.seen")
    stored = {row["epoch"]: datetime.fromisoformat(row["recorded_at"]).timestamp() for row in rows}
    lags = sorted(next(at for shown, at in seen if shown >= epoch) - at_once for epoch, at_once in stored.items())
    late = f"95th percentile {lags[int(0.95 * EPOCHS)]:.2f} s, at most {lags[-1]:.2f} s"
    remark = f"median of {EPOCHS}, {late}; the goal is 1.5 s"
    return [Statement("a new epoch is on the screen", median(lags), "s", remark)]
