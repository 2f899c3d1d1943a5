"""The dashboard in Chromium, against one real service with a real worker.

A page fails its test where the browser's console shows an error or a warning, where something is thrown, where the
page's policy forbids something, and where anything is asked of another host.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, expect, sync_playwright

from service.client import Client
from service.connection import ProblemError
from service.domain.experiment import Experiment, State
from tests.cli.conftest import LONG_SECONDS, Served, start, stop, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MILLISECONDS = 20_000
"""More than anything here takes on a busy machine."""
ARMED = pytest.StashKey["OneBrowser"]()


class OneBrowser:
    """Chromium, started when the first test needs it."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def get(self) -> Browser:
        """The one there is."""
        if self._playwright is None or self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        return self._browser

    def close(self) -> None:
        """Playwright's event loop, too: while that is there no other test can run one."""
        if self._playwright is not None and self._browser is not None:
            self._browser.close()
            self._playwright.stop()
            self._playwright = self._browser = None


def pytest_configure(config: pytest.Config) -> None:
    """One for all tests of this folder."""
    config.stash[ARMED] = OneBrowser()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """No browser is left to the tests of other folders."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        item.config.stash[ARMED].close()


@pytest.fixture(autouse=True)
def _chromium_is_there(request: pytest.FixtureRequest) -> None:
    if CHROMIUM is None and request.node.get_closest_marker("browser"):
        pytest.skip("there is no Chromium on this machine, so the dashboard is not tested: apt-get install chromium")


@dataclass
class Bench:
    """The service behind the page: what is submitted here is shown there."""

    served: Served
    client: Client
    _trained: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.served.url

    def submit(self, **spec: Any) -> str:
        """Submit a spec, by default a perceptron on the bundled digits for three epochs; its id."""
        return self.client.submit({"dataset": "digits", "architecture": "perceptron", "epochs": 3} | spec).id

    def ended(self, experiment_id: str) -> Experiment:
        """The experiment once it has ended, whichever way."""
        until(lambda: self.client.get(experiment_id).state.ended, what="the end of the run")
        return self.client.get(experiment_id)

    def trained(self, **spec: Any) -> str:
        """The id of a completed run of this spec; it is trained once for all tests that ask for the same."""
        key = repr(sorted(spec.items()))
        if key not in self._trained:
            experiment_id = self.submit(**spec)
            assert self.ended(experiment_id).state is State.COMPLETED
            self._trained[key] = experiment_id
        return self._trained[key]

    def learning(self, **spec: Any) -> str:
        """The id of a run that has stored an epoch and goes on for longer than any test; `clear` or cancel ends it."""
        experiment_id = self.submit(**{"architecture": "cnn", "epochs": 10_000} | spec)
        until(lambda: self.client.get(experiment_id).progress.epoch, what="the first epoch")
        return experiment_id

    def quiet(self) -> None:
        """Cancel what waits and what runs."""
        for state in (State.QUEUED, State.RUNNING):
            for each in self.client.iterate(state=state):
                with suppress(ProblemError):  # it has ended by itself meanwhile
                    self.client.cancel(each.id)
        until(lambda: not self.client.page(state=State.RUNNING, limit=1).total, what="idle workers")

    def clear(self) -> None:
        """Delete every experiment."""
        self.quiet()
        for each in list(self.client.iterate()):
            self.client.delete(each.id)
        self._trained.clear()


@pytest.fixture(scope="session")
def _one_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    served = start(tmp_path_factory.mktemp("bench") / "home", "--workers", "1")
    try:
        until(served.is_ready, what="a worker that is ready")
        with Client(served.url, timeout=LONG_SECONDS) as client:
            yield Bench(served, client)
    finally:
        stop(served.process)


@pytest.fixture
def bench(_one_bench: Bench) -> Iterator[Bench]:
    """The one service of these tests, on which nothing runs when a test begins; what has ended stays."""
    yield _one_bench
    _one_bench.quiet()


@dataclass
class Watch:
    """What a page must not do, as far as it has done it."""

    url: str
    offences: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    """Parts of messages that a test provokes: Chromium itself writes a line for every answer above 399."""

    def on_console(self, message: ConsoleMessage) -> None:
        """Errors, warnings and what the policy forbids are written there."""
        if message.type in {"error", "warning"} and not any(part in message.text for part in self.allowed):
            self.offences.append(f"{message.type}: {message.text}")

    def on_error(self, error: object) -> None:
        """Thrown and not caught."""
        self.offences.append(f"thrown: {error}")

    def on_request(self, request: Request) -> None:
        """Whatever is loaded, blobs that the page itself has made left out."""
        if not request.url.startswith((self.url + "/", f"blob:{self.url}/")):
            self.offences.append(f"another host: {request.url}")


@contextmanager
def watched(browser: Browser, url: str, **options: Any) -> Iterator[tuple[Page, Watch]]:
    """A page in a profile of its own at this service, that must have done nothing wrong at its end."""
    context = browser.new_context(base_url=url, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    page, watch = context.new_page(), Watch(url)
    context.on("console", watch.on_console)
    context.on("request", watch.on_request)
    page.on("pageerror", watch.on_error)
    try:
        yield page, watch
        assert watch.offences == []
    finally:
        context.close()


@pytest.fixture
def browser(request: pytest.FixtureRequest) -> Browser:
    """The one Chromium."""
    return request.config.stash[ARMED].get()


@pytest.fixture
def watched_page(browser: Browser, bench: Bench) -> Iterator[tuple[Page, Watch]]:
    """A page of the bench, and what it does wrong: for tests that provoke something."""
    with watched(browser, bench.url, viewport={"width": 1280, "height": 800}) as both:
        yield both


@pytest.fixture
def page(watched_page: tuple[Page, Watch]) -> Page:
    """A page of the bench at 1280x800, in a fresh profile."""
    return watched_page[0]
