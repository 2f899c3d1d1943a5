"""The list of experiments: what it shows, how it is narrowed and sorted, and that it moves without moving anything."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Bench, Watch

pytestmark = pytest.mark.browser

MANY = 200


@pytest.fixture(scope="module")
def many(_one_bench: Bench) -> Iterator[str]:
    """The tag of two hundred experiments, most of them cancelled before they began."""
    base = {"dataset": "digits", "architecture": "perceptron", "epochs": 1, "tags": ["many"]}
    sweep = _one_bench.client.sweep({"base": base, "seeds": list(range(MANY))})
    _one_bench.client.cancel_sweep(sweep.id)
    yield "many"
    _one_bench.clear()


def row(page: Page, experiment_id: str) -> Locator:
    """The row of an experiment."""
    return page.locator(f'tr[data-id="{experiment_id}"]')


def test_a_run_says_honestly_what_has_become_of_it(page: Page, bench: Bench) -> None:
    done = bench.trained(name="done")
    failed = bench.ended(bench.submit(name="needs a GPU", device="cuda")).id
    diverged = bench.ended(
        bench.submit(name="too fast", architecture="mlp", optimizer={"name": "sgd", "learning_rate": 500})
    ).id
    running = bench.learning(name="goes on")
    waiting = [bench.submit(name=f"waits {place}") for place in (1, 2)]
    page.goto("/")
    expect(row(page, running)).to_contain_text(re.compile(r"running.*epoch \d+ of 10000, .* left"))
    expect(row(page, running).locator(".sparkline path")).to_have_attribute("d", re.compile(r"^M[\d.]+ [\d.]+h0L"))
    for place, each in enumerate(waiting, start=1):
        expect(row(page, each)).to_contain_text(f"place {place} in the queue")
    expect(row(page, failed)).to_contain_text("device 'cuda' is not on this machine")
    expect(row(page, diverged)).to_contain_text("diverged")
    experiment = bench.client.get(done)
    assert experiment.test is not None
    assert experiment.test.accuracy is not None
    expect(row(page, done)).to_contain_text(f"{100 * experiment.test.accuracy:.2f}\u202f%")
    bench.client.cancel(waiting[1])
    expect(row(page, waiting[1])).to_contain_text("cancelled")


def test_the_list_moves_by_itself_and_leaves_scroll_selection_and_focus_alone(
    page: Page, bench: Bench, many: str
) -> None:
    running = bench.learning(name="goes on")
    page.goto(f"/#/experiments?ids={running}")
    expect(page.get_by_role("status").or_(page.get_by_text("1 selected"))).to_have_text("1 selected")
    note = row(page, running).locator(".state .row-note")
    expect(note).to_contain_text("epoch")
    page.get_by_role("link", name="goes on").focus()
    kept = page.evaluate_handle("document.activeElement")
    page.evaluate("scrollTo(0, 600)")
    before = note.text_content()
    added = bench.submit(name="came later", priority=-1)
    expect(row(page, added)).to_have_count(1)
    expect(note).not_to_have_text(before or "")
    assert page.evaluate("before => before === document.activeElement && before.isConnected", kept)
    assert page.evaluate("scrollY") >= 600
    expect(row(page, running).get_by_role("checkbox")).to_be_checked()
    bench.client.cancel(running)
    expect(row(page, running)).to_contain_text("cancelled")


def test_two_hundred_runs_are_narrowed_sorted_and_scrolled_through(page: Page, bench: Bench, many: str) -> None:
    bench.trained(name="slim net")
    bench.trained(name="large net", architecture="mlp")
    page.goto(f"/#/experiments?tag={many}")
    expect(page.get_by_text(f"{MANY} in all")).to_be_visible()
    for shown in range(50, MANY, 50):
        expect(page.locator("tbody tr")).to_have_count(shown)
        page.keyboard.press("End")
    expect(page.locator("tbody tr")).to_have_count(MANY)
    page.get_by_role("button", name="Any tag").click()
    page.keyboard.press("/")
    page.keyboard.type("ge net")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator(".run-name")).to_have_text(["large net"])
    expect(page).to_have_url(re.compile("name=ge%20net"))
    page.reload()
    expect(page.get_by_label("Filter")).to_have_value("ge net")
    page.get_by_label("Filter").fill("net")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Parameters").click()
    expect(page.get_by_role("columnheader", name="Parameters")).to_have_attribute("aria-sort", "descending")
    expect(page.locator("tbody tr").first).to_contain_text("large net")
    page.get_by_role("button", name="Parameters").click()
    expect(page.locator("tbody tr").first).to_contain_text("slim net")
    expect(page.get_by_label("Order")).to_have_value("parameters")
    page.get_by_label("Architecture").focus()
    page.get_by_label("Architecture").select_option("mlp")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("State").select_option("failed")
    expect(page.get_by_text("No experiment is like this.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_all_of_it_is_done_with_keys(page: Page, bench: Bench) -> None:
    first, second = bench.trained(name="key a"), bench.trained(name="key b")
    page.goto("/#/experiments?name=key&sort=name")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.keyboard.press("j")
    expect(row(page, first).locator(".run-name")).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 selected")).to_be_visible()
    colours = [
        row(page, each).locator(".run-dot").evaluate("node => getComputedStyle(node).backgroundColor")
        for each in (first, second)
    ]
    assert colours[0] != colours[1]
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile(f"#/compare\\?ids={first},{second}$"))
    expect(page.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    page.go_back()
    expect(row(page, second)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("2 selected")).to_be_hidden()
    page.keyboard.press("k")
    expect(row(page, second).locator(".run-name")).to_be_focused()
    page.keyboard.press("k")
    expect(row(page, first).locator(".run-name")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(first))


def test_who_uses_the_list_by_keys_keeps_the_place(page: Page, bench: Bench) -> None:
    bench.trained(name="key a")
    page.goto("/#/experiments?name=key")
    sort, box = page.get_by_role("button", name="Parameters"), page.get_by_role("checkbox", name="Select all")
    lines = page.get_by_text("This view with curl and Python")
    for control, key in ((sort, "Enter"), (box, "Space"), (lines, "Enter")):
        expect(control).to_be_visible()
        control.press(key)
        page.evaluate("location.hash += '&state=completed'")
        expect(page.locator(".commands code").first).to_contain_text("state=completed")  # the list is drawn anew
        expect(control).to_be_focused()
        page.evaluate("location.hash = location.hash.replace('&state=completed', '')")
        expect(page.locator(".commands code").first).not_to_contain_text("state=")
    expect(page.locator(".commands")).to_have_attribute("open", "")


def test_selected_runs_are_cancelled_and_deleted(page: Page, bench: Bench) -> None:
    running, waiting = bench.learning(name="ends now 1"), bench.submit(name="ends now 2")
    page.goto("/#/experiments?name=ends%20now")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("checkbox", name="Select all that are shown").check()
    page.get_by_role("button", name="Cancel runs").click()
    for each in (running, waiting):
        expect(row(page, each)).to_contain_text("cancelled")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No experiment is like this.")).to_be_visible()
    assert bench.client.page(name="ends now").total == 0


def test_a_filter_that_the_service_refuses_is_said_to_be_one(watched_page: tuple[Page, Watch]) -> None:
    page, watch = watched_page
    watch.allowed.append("status of 422")
    page.goto("/#/experiments?state=asleep")
    expect(page.get_by_role("alert")).to_contain_text("queued")


def test_the_line_of_a_run_that_has_ended_has_all_its_epochs(page: Page, bench: Bench) -> None:
    page.goto("/#/experiments?name=quick")
    expect(page.get_by_text("No experiment is like this.").or_(page.locator("main h2")).first).to_be_visible()
    ids = [bench.submit(name=f"quick {seed}", epochs=15, seed=seed) for seed in range(3)]
    for each in ids:
        bench.ended(each)
        expect(row(page, each).locator(".sparkline path")).to_have_attribute("d", re.compile("^M[^M]*(L[^LM]*){14}$"))
