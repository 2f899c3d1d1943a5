"""Queue and workers: what runs, what waits and in which order, who works."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Bench

pytestmark = pytest.mark.browser


def test_what_runs_and_what_waits_is_shown_in_order_and_can_be_cancelled(page: Page, bench: Bench) -> None:
    running = bench.learning(name="runs")
    late = bench.submit(name="goes later", architecture="cnn", epochs=10_000)
    early = bench.submit(name="goes before", priority=5)
    page.goto("/#/queue")
    expect(page.get_by_text("2 waiting")).to_be_visible()
    waiting = page.locator("ol.runlist li")
    expect(waiting).to_contain_text(["goes before", "goes later"])
    item = page.locator(f'li[data-id="{running}"]')
    expect(item).to_contain_text(re.compile(r"epoch \d+ of 10000"))
    worker = bench.client.get(running).worker
    assert worker is not None
    expect(page.get_by_text(worker)).to_be_visible()
    expect(page.locator("li", has_text=worker)).to_contain_text("runs")
    kept = page.evaluate_handle(f"document.querySelector('li[data-id=\"{late}\"]')")
    page.get_by_role("button", name="Cancel goes before").click()
    expect(waiting).to_have_count(1)
    assert page.evaluate("node => node.isConnected", kept)
    page.get_by_role("button", name="Cancel runs").click()
    expect(page.locator("ul.runlist").first).to_contain_text("goes later")
    assert [bench.ended(each).state.value for each in (running, early)] == ["cancelled", "cancelled"]
