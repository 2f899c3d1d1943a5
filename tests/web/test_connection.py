"""The API goes and comes back under an open page."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.api.conftest import serving, settings_for
from tests.web.conftest import watched

pytestmark = pytest.mark.browser


def test_a_page_outlives_the_api_and_goes_on_by_itself(browser: Browser, tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    with ExitStack() as opened:
        with serving(settings) as served:
            served.submit(name="before")
            page, watch = opened.enter_context(watched(browser, served.url))
            watch.allowed.append("Failed to load resource: net::ERR_")
            page.goto("/")
            expect(page.get_by_role("link", name="before")).to_be_visible()
            port = int(served.url.rsplit(":", 1)[1])
        expect(page.get_by_text("The service does not answer")).to_be_visible()
        expect(page.get_by_role("link", name="before")).to_be_visible()
        with serving(settings, port=port) as served:
            expect(page.get_by_text("The service does not answer")).to_be_hidden()
            served.submit(name="after")
            expect(page.get_by_role("link", name="after")).to_be_visible()
            page.goto("/#/queue")
            expect(page.get_by_text("No worker is alive")).to_be_visible()
