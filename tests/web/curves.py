"""Hands and eyes for pages with curves: where a chart is, what it shows, and what the pointer does there."""

import re

from playwright.sync_api import Locator, Page, expect

LOSS, ACCURACY = "loss", "accuracy"


def stage(page: Page, chart: str = LOSS) -> Locator:
    """Where a chart hears the pointer and the keys."""
    return page.locator(f'.chart[data-chart="{chart}"] .chart__stage')


def point(page: Page, x: float, y: float = 0.5, chart: str = LOSS) -> None:
    """Put the pointer at these shares of a chart's width and height."""
    box = stage(page, chart).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def drawn(page: Page) -> None:
    """Once what was asked for until now is on the screen: charts are drawn with the next frame."""
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")


def line(page: Page, run: str, kind: str = "val", chart: str = LOSS) -> Locator:
    """A run's line: `val`, `train` or `raw`."""
    return page.locator(f'.chart[data-chart="{chart}"] .chart__line--{kind}[data-run="{run}"][d]')


def shape(page: Page, run: str, kind: str = "val", chart: str = LOSS) -> str:
    """The path of a line, once it is there."""
    found = line(page, run, kind, chart).first
    expect(found).to_have_attribute("d", re.compile("^M"))
    return found.get_attribute("d") or ""


def ticks(page: Page, chart: str = LOSS) -> list[str]:
    """What stands along the axes."""
    return page.locator(f'.chart[data-chart="{chart}"] .chart__tick').all_text_contents()


def card(page: Page, chart: str = LOSS) -> Locator:
    """The values at the crosshair."""
    return stage(page, chart).locator(".reading")
