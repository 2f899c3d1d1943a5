"""The parts of the dashboard that need no page: each test of `pure/*.test.js`, run in the browser that they are for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.web.conftest import ARMED, Bench, watched

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parent / "pure"
TESTS = [
    (file.name, name)
    for file in sorted(FOLDER.glob("*.test.js"))
    for name in re.findall(r"^test\('(.+?)', ", file.read_text(encoding="utf-8"), re.MULTILINE)
]


def _answer(route: Route) -> None:
    file = FOLDER / route.request.url.rsplit("/", 1)[1]
    route.fulfill(content_type="text/javascript", body=file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tests_page(request: pytest.FixtureRequest, _one_bench: Bench) -> Iterator[Page]:
    """A page of the service, which has its modules, that is given the tests as well."""
    browser: Browser = request.config.stash[ARMED].get()
    with watched(browser, _one_bench.url) as (page, _):
        page.route("**/pure/*.js", _answer)
        page.goto("/#/nowhere")
        yield page


@pytest.mark.parametrize(("file", "name"), TESTS, ids=[name for _, name in TESTS])
def test_pure(tests_page: Page, file: str, name: str) -> None:
    tests_page.evaluate("([file, name]) => import(`/pure/${file}`).then(({ run }) => run(name))", [file, name])


def test_no_file_of_tests_is_left_out() -> None:
    assert {file for file, _ in TESTS} == {file.name for file in FOLDER.glob("*.test.js")}
