"""One run's page: how it stands, said honestly, and what can be done with it."""

import os
import re
import signal

import pytest
from playwright.sync_api import Page, expect

from service.domain.experiment import State
from tests.cli.conftest import until
from tests.web.conftest import Bench, Watch
from tests.web.curves import shape

pytestmark = pytest.mark.browser


def test_waiting_running_and_cancelled_from_the_page(page: Page, bench: Bench) -> None:
    first = bench.learning()
    second, third = bench.submit(), bench.submit(name="the last")
    page.goto(f"/#/experiments/{third}")
    sentence = page.locator(".experiment__text")
    expect(sentence).to_have_text("Number 2 in the queue.")
    bench.client.cancel(second)
    expect(sentence).to_have_text("Next in the queue.")
    page.get_by_role("button", name="Cancel").click()
    expect(sentence).to_have_text("Cancelled before its first epoch.")
    page.goto(f"/#/experiments/{first}")
    expect(sentence).to_have_text(re.compile(r"Epoch [\d,]+ of 10,000 is done: .+ an epoch, .+ left\."))
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(sentence).to_have_text(re.compile(r"Cancelled after epoch [\d,]+ of 10,000; what it had learnt is kept\."))
    expect(page.get_by_role("progressbar")).to_be_hidden()
    assert bench.client.get(first).state is State.CANCELLED


def test_continued_from_the_page_it_is_one_series_with_a_mark(page: Page, bench: Bench) -> None:
    run = bench.submit(epochs=3)
    bench.ended(run)
    page.goto(f"/#/experiments/{run}")
    page.get_by_role("button", name="Continue…").click()
    page.get_by_label("Epochs more").fill("2")
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    expect(page.locator(".experiment__text")).to_contain_text("All 5 epochs are done.")
    expect(page.locator(".experiment__more")).to_have_text("Continued at epoch 3.")
    expect(page.locator(".chart--loss .chart__label--moment")).to_have_text("continued at epoch 3")
    assert [each.epoch for each in bench.client.metrics(run).items] == [1, 2, 3, 4, 5]


def test_a_run_whose_worker_was_killed_goes_on_and_its_curve_says_where(page: Page, bench: Bench) -> None:
    run = bench.learning(checkpoints={"keep": "all"})
    page.goto(f"/#/experiments/{run}")
    shape(page, run)
    until(lambda: bench.client.checkpoints(run).items, what="a checkpoint")
    worker = bench.client.get(run).worker
    assert worker is not None
    os.kill(int(worker.rpartition(":")[2]), signal.SIGKILL)
    mark = page.locator(".chart--loss .chart__label--moment")
    expect(mark).to_have_text(re.compile(r"^resumed at epoch \d+$"))
    (resumption,) = bench.client.get(run).resumptions
    expect(mark).to_have_text(f"resumed at epoch {resumption.after_epoch}")
    expect(page.locator(".experiment__more")).to_have_text(
        f"Resumed at epoch {resumption.after_epoch}, from its checkpoint (attempt 2)."
    )
    expect(page.locator(".chip").first).to_have_text("running")


def test_a_failed_run_says_why_and_a_diverged_one_that_it_did(page: Page, bench: Bench) -> None:
    failed = bench.ended(bench.submit(device="mps"))
    diverged = bench.ended(bench.submit(optimizer={"name": "sgd", "learning_rate": 1000.0}, architecture="mlp"))
    assert failed.error is not None
    page.goto(f"/#/experiments/{failed.id}")
    expect(page.locator(".chip").first).to_have_text("failed")
    expect(page.locator(".experiment__text")).to_have_text(f"Failed before its first epoch: {failed.error.message}")
    page.get_by_text("Where it failed").click()
    expect(page.locator(".trace pre")).to_contain_text("choose_device")
    expect(page.get_by_role("link", name="Clone and edit")).to_have_attribute("href", f"#/new?from={failed.id}")
    expect(page.locator(".chart__empty").first).to_have_text("no epoch to draw")
    page.goto(f"/#/experiments/{diverged.id}")
    expect(page.locator(".chip").first).to_have_text("diverged")
    expect(page.locator(".experiment__text")).to_have_text(re.compile("^Diverged: after epoch"))
    expect(page.get_by_role("button", name="Continue…")).to_have_count(0)
    expect(page.locator(".chart__diverged").first).to_be_visible()


def test_reproduced_from_the_page_it_is_the_same_to_the_bit(page: Page, bench: Bench) -> None:
    run = bench.trained()
    page.goto(f"/#/experiments/{run}")
    page.get_by_role("button", name="Reproduce").click()
    expect(page).not_to_have_url(re.compile(run))
    expect(page.locator(".experiment__more")).to_contain_text("every figure is the same to the bit")
    page.get_by_role("link", name="the two side by side").click()
    expect(page.locator(".experiment__short")).to_contain_text("2 runs")


def test_deleted_from_the_page_it_is_gone(watched_page: tuple[Page, Watch], bench: Bench) -> None:
    page, watch = watched_page
    watch.allowed.append("status of 404")
    run = bench.submit(name="not for long")
    bench.ended(run)
    page.goto(f"/#/experiments/{run}")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("heading", name="not for long")).to_be_visible()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("#/experiments$"))
    page.goto(f"/#/experiments/{run}")
    expect(page.get_by_role("heading", name="This run is not here")).to_be_visible()


def test_what_cannot_be_done_is_said_where_it_was_tried(watched_page: tuple[Page, Watch], bench: Bench) -> None:
    page, watch = watched_page
    watch.allowed.append("status of 409")
    run = bench.learning()
    page.goto(f"/#/experiments/{run}")
    page.route("**/cancel", lambda route: route.fulfill(status=409, json={"status": 409, "detail": "it has ended"}))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".experiment [role=alert]")).to_have_text("it has ended")


def test_tabs_are_links_and_are_walked_with_the_arrow_keys(page: Page, bench: Bench) -> None:
    run = bench.trained(checkpoints={"keep": "all"})
    page.goto(f"/#/experiments/{run}")
    shape(page, run)
    page.get_by_role("tab", name="Curves").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Findings")).to_be_focused()
    expect(page).to_have_url(re.compile("tab=findings"))
    page.goto(f"/#/experiments/{run}?tab=checkpoints")
    rows = page.get_by_role("table", name="Checkpoints").get_by_role("row")
    expect(rows).to_have_count(6)
    with page.expect_download() as download:
        rows.nth(1).get_by_role("link", name="Weights").click()
    assert download.value.suggested_filename.endswith(".safetensors")


def test_settings_and_commands_are_told(page: Page, bench: Bench) -> None:
    run = bench.trained()
    page.goto(f"/#/experiments/{run}")
    page.get_by_text("All settings, and where it was trained").click()
    expect(page.locator(".settings-list")).to_contain_text("optimizer.learning_rate")
    expect(page.locator(".settings-list")).to_contain_text("environment.torch")
    page.get_by_text("This view with curl and Python").click()
    expect(page.locator(".commands pre").first).to_contain_text(f"{bench.url}/v1/experiments/{run}/learning-curves")
