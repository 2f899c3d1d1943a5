"""Signing in with a token, looking by a shared link, and going: the same page, under the same strict policy."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from service import tokens
from service.domain.access import Role, TokenRequest
from tests.api.conftest import Served, serving, settings_for
from tests.web.conftest import Watch, watched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a token of Ana's, and a run."""
    with serving(settings_for(Path(tmp_path_factory.mktemp("closed")))) as served:
        with served.database.writing() as session:
            wanted = TokenRequest(role=Role.STUDENT, owner="ana")
            made = tokens.create(session, wanted, now=datetime.now(UTC))
        served.http.headers["Authorization"] = f"Bearer {made.token}"
        served.submit(name="of the class")
        yield served


@pytest.fixture
def visitor(browser: Browser, closed: Served) -> Iterator[tuple[Page, Watch]]:
    """Somebody's browser, to which some answers are 401."""
    with watched(browser, closed.url, viewport={"width": 1280, "height": 800}) as (page, watch):
        watch.allowed.append("the server responded with a status of 401")
        yield page, watch


def token_of(served: Served) -> str:
    return str(served.http.headers["Authorization"]).removeprefix("Bearer ")


def test_a_token_signs_in_and_out_and_no_script_sees_it(visitor: tuple[Page, Watch], closed: Served) -> None:
    page, _ = visitor
    page.goto("/")
    form = page.get_by_role("dialog", name="Sign in")
    form.get_by_label("Token").fill("ardoise_wrong")
    form.get_by_role("button", name="Sign in").click()
    expect(form.get_by_role("alert")).to_contain_text("not valid")
    form.get_by_label("Token").fill(token_of(closed))
    form.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="of the class")).to_be_visible()
    assert token_of(closed) not in page.evaluate("document.cookie + JSON.stringify(localStorage) + location.href")
    page.get_by_role("button", name="ana").click()
    told = page.get_by_role("dialog", name="Signed in")
    expect(told).to_contain_text("As ana, student.")
    told.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()


def test_a_shared_link_shows_its_view_to_read_and_keeps_nothing_in_the_address(
    visitor: tuple[Page, Watch], closed: Served
) -> None:
    page, watch = visitor
    experiment_id = closed.http.get("/v1/experiments").json()["items"][0]["id"]
    page.goto("/")
    form = page.get_by_role("dialog", name="Sign in")
    form.get_by_label("Token").fill(token_of(closed))
    form.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="ana")).to_be_visible()
    page.goto(f"/#/experiments/{experiment_id}?tab=notes")
    expect(page.get_by_role("button", name="Delete…")).to_be_visible()
    page.get_by_role("button", name="ana").click()
    page.get_by_role("button", name="Share this view").click()
    link = page.get_by_role("textbox", name=re.compile("Whoever has this link")).input_value()
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("heading", name="of the class")).to_be_visible()
    expect(page.get_by_role("button", name="Reading only")).to_be_visible()
    expect(page.get_by_role("button", name="Delete…")).to_be_hidden()
    expect(page).to_have_url(f"{closed.url}/#/experiments/{experiment_id}?tab=notes")
    secret = httpx.QueryParams(urlsplit(link).fragment.partition("?")[2])["token"]
    page.go_back()
    assert secret not in page.url
    assert watch.offences == []


def test_a_link_that_has_ended_says_so(visitor: tuple[Page, Watch]) -> None:
    page, _ = visitor
    page.goto("/#/shared?token=ardoise_gone&to=experiments")
    expect(page.get_by_role("dialog", name="Sign in").get_by_role("alert")).to_contain_text("opens nothing any more")
    expect(page).to_have_url(re.compile(r"/#/experiments$"))
