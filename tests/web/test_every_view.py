"""What holds for every view: it can be read and used by all, it fits, and its curl and Python lines are true."""

import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import Bench, watched
from tests.web.views import VIEWS

pytestmark = pytest.mark.browser

GRAVE = {"serious", "critical"}
WIDTHS = (1440, 1024, 390)
SETTLED = """() => document.querySelector('main[aria-busy]') === null
    && document.querySelector('main h1')?.checkVisibility()
    && new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(true))))"""
CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = (token) => {
        const probe = document.body.appendChild(document.createElement('i'));
        probe.style.setProperty('color', `var(${token})`);
        canvas.fillStyle = getComputedStyle(probe).color;
        probe.remove();
        canvas.fillRect(0, 0, 1, 1);
        const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
            .map((each) => each / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const ratio = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const grounds = ['--ground', '--panel'];
    const of = (tokens) => Object.fromEntries(
        tokens.flatMap((token) => grounds.map((ground) => [`${token} on ${ground}`, ratio(token, ground)])));
    return {
        lines: of(Array.from({ length: 8 }, (_, i) => `--chalk-${i + 1}`).concat('--edge')),
        text: of(['--ink', '--ink-2', '--ink-3', '--accent', '--good', '--warn', '--bad']),
    };
}"""


def settled(page: Page) -> None:
    """Once the view is there and its first answers are drawn, which the page says itself."""
    page.wait_for_function(SETTLED)


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_no_grave_barrier_and_fits_every_width(view: str, browser: Browser, bench: Bench) -> None:
    options: dict[str, Any] = {"color_scheme": "light", "viewport": {"width": WIDTHS[0], "height": 800}}
    with watched(browser, bench.url, **options) as (page, _):
        page.goto(VIEWS[view](bench))
        settled(page)
        for summary in page.locator("details > summary").all():
            if summary.is_visible() and not summary.evaluate("each => each.parentElement.open"):
                summary.click()
        assert grave(page) == []
        page.emulate_media(color_scheme="dark")
        assert grave(page, runOnly=["color-contrast"]) == []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def grave(page: Page, **options: Any) -> list[tuple[str, list[Any]]]:
    """What axe finds serious or critical: the rule and where."""
    found = Axe().run(page, options=options or None).response["violations"]
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found if each["impact"] in GRAVE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out_from_their_ground(scheme: str, browser: Browser, bench: Bench) -> None:
    with watched(browser, bench.url, color_scheme=scheme) as (page, _):
        page.goto("/#/queue")
        found = page.evaluate(CONTRAST)
    assert {name: ratio for name, ratio in found["lines"].items() if ratio < 3} == {}
    assert {name: ratio for name, ratio in found["text"].items() if ratio < 4.5} == {}


@pytest.mark.parametrize("view", VIEWS)
def test_the_lines_of_a_view_do_what_they_say(
    view: str, page: Page, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    picture = Image.new("L", (20, 20), 255)
    picture.paste(0, (8, 3, 11, 17))
    picture.save("digit.png")
    page.goto(VIEWS[view](bench))
    settled(page)
    page.get_by_text("This view with curl and Python").click()
    lines = page.locator(".commands__line")
    expect(lines.first).to_be_visible()
    shown = [(each.locator("span").inner_text(), each.locator("code").inner_text()) for each in lines.all()]
    assert {kind for kind, _ in shown} == {"curl", "Python"}
    for kind, text in shown:
        assert bench.url in text
        if kind == "curl":
            done = subprocess.run(
                ["bash", "-c", text.replace("curl ", "curl --fail ", 1)], capture_output=True, check=False
            )
            assert done.returncode == 0, text
        else:
            exec(text, {"httpx": httpx})  # noqa: S102  # what the page says that people can run


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_reached_and_used_by_keys_with_a_visible_focus(view: str, page: Page, bench: Bench) -> None:
    page.goto(VIEWS[view](bench))
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        reached.append((page.evaluate("document.activeElement.closest('main') !== null"), outline))
    assert {outline for inside, outline in reached if inside} <= {"solid", "auto"}
    assert any(inside for inside, _ in reached)


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_leaves_all_controls_of_a_view_out_and_fits_a_projector(view: str, page: Page, bench: Bench) -> None:
    address = VIEWS[view](bench)
    page.goto(f"{address}{'&' if '?' in address else '?'}hide=all&view=projector")
    settled(page)
    for each in page.locator("[data-control]").all():
        assert not each.is_visible()
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") > 20
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not re.search("undefined|NaN", page.locator("main").inner_text())


MARKUP = "<img src=x onerror='document.title=1'><script>document.title=2</script><b>bold"


@pytest.mark.parametrize("address", ["/#/experiments?name=bold", "/#/experiments/{}?tab=notes", "/#/compare?ids={},{}"])
def test_what_somebody_has_typed_is_text_and_never_a_part_of_the_page(address: str, page: Page, bench: Bench) -> None:
    """Nor does the page ask for anything, or try what its policy forbids. Red where a text is taken for markup."""
    one, other = (bench.trained(name=MARKUP, tags=[MARKUP[:64]], seed=seed) for seed in (0, 1))
    if not [*bench.client.notes(one)]:
        bench.client.note(one, MARKUP)
    page.goto(address.format(one, other))
    settled(page)
    expect(page.get_by_text(MARKUP).first).to_be_visible()
    assert page.locator("main").locator("img[src=x], script, b").count() == 0
    assert page.title() not in {"1", "2"}
