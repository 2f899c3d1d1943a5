"""The page around the views: its files, its policy, links, themes and keys."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from service import pages
from tests.web.conftest import Bench

pytestmark = pytest.mark.browser

FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://(?!www\.w3\.org/)"
)


@pytest.mark.parametrize("file", sorted(pages.FOLDER.rglob("*.js")), ids=lambda file: file.stem)
def test_a_module_makes_no_markup_of_text_and_names_no_other_host(file: Path) -> None:
    text = re.sub(r"^\s*(//|/?\*).*$", "", file.read_text(), flags=re.MULTILINE)
    assert FORBIDDEN.findall(text) == []
    assert file.read_text().startswith("// @ts-check\n")


def test_every_file_is_sent_with_the_policy_and_not_sent_again(bench: Bench) -> None:
    with httpx.Client(base_url=bench.url, trust_env=False) as http:
        for path in ("/", "/web/app.js", "/web/style/slate.css", "/web/icon.svg"):
            first = http.get(path)
            assert first.status_code == 200
            assert first.headers["Content-Encoding"] == "gzip"
            assert first.headers["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' blob:;")
            assert "unsafe" not in first.headers["Content-Security-Policy"]
            assert first.headers["Content-Security-Policy"].endswith(
                "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
            )
            assert first.headers["X-Content-Type-Options"] == "nosniff"
            assert first.headers["Referrer-Policy"] == "no-referrer"
            again = http.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert http.head(path).headers["ETag"] == first.headers["ETag"]
            assert http.get(path, headers={"Accept-Encoding": "identity"}).text == first.text


@pytest.mark.parametrize("path", ["../settings.py", "..%2fsettings.py", "%00", "", "nothing.js", "style", "x" * 300])
def test_nothing_but_the_dashboards_files_is_sent(path: str, bench: Bench) -> None:
    answer = httpx.get(f"{bench.url}/web/{path}", trust_env=False)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_link_to_what_is_not_there_says_so(page: Page) -> None:
    page.goto("/#/nowhere")
    expect(page.get_by_role("heading", name="This cannot be shown")).to_be_visible()


def test_the_theme_is_chosen_and_kept(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_nothing_moves_by_itself_where_the_system_asks_for_that(page: Page) -> None:
    page.goto("/#/nowhere")
    seconds = """() => {
        const fill = document.body.appendChild(document.createElement('span'));
        fill.className = 'bar__fill';
        const { transitionDuration } = getComputedStyle(fill);
        fill.remove();
        return transitionDuration;
    }"""
    assert page.evaluate(seconds) == "0s"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(seconds) == "0.4s"


def test_keys_are_told_and_heard(page: Page) -> None:
    page.goto("/#/nowhere")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Projector view on and off")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile(r"#/experiments$"))


def test_a_link_hides_controls_and_makes_a_projector_view(page: Page, bench: Bench) -> None:
    page.goto("/#/experiments?hide=theme&view=projector")
    expect(page.locator("html")).to_have_attribute("data-view", "projector")
    expect(page.get_by_role("button", name="Theme: auto")).to_be_hidden()
    page.get_by_role("button", name="Present").click()
    dialog = page.get_by_role("dialog", name="Present this view")
    dialog.get_by_label("keys").uncheck()
    dialog.get_by_label("theme").check()
    expect(dialog.get_by_label("Link of this view")).to_have_value(
        f"{bench.url}/#/experiments?hide=keys&view=projector"
    )
    page.goto("/#/nowhere")
    expect(page).to_have_url(re.compile("nowhere.*hide=keys"))
    expect(page.get_by_role("button", name="Keys")).to_be_hidden()
