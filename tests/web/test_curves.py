"""The curves of one run: they grow, and what can be chosen to be seen of them stays chosen."""

import csv
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.web.conftest import Bench
from tests.web.curves import ACCURACY, card, drawn, line, point, shape, stage, ticks

pytestmark = pytest.mark.browser

EPOCHS = 12
SPEC = {"architecture": {"name": "mlp", "hidden": [16]}, "epochs": EPOCHS, "name": "twelve epochs"}
NEWER = """before => {
  const said = document.querySelector('.experiment__text')?.textContent.match(/Epoch ([\\d,]+) of/);
  return said && Number(said[1].replace(',', '')) > before;
}"""


def test_curves_grow_by_themselves_while_zoom_and_scroll_stay(page: Page, bench: Bench) -> None:
    run = bench.learning()
    page.goto(f"/#/experiments/{run}")
    page.wait_for_function(NEWER, arg=4)
    shape(page, run)
    expect(page.get_by_text("This view with curl and Python")).to_be_visible()  # the lowest: one can scroll
    page.evaluate("scrollTo(0, 150)")
    point(page, 0.4)
    page.mouse.down()
    point(page, 0.6)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"zoom=[\d.]+,[\d.]+$"))
    page.mouse.move(0, 0)
    drawn(page)
    url, zoomed, before = page.url, ticks(page), shape(page, run)
    page.wait_for_function(NEWER, arg=bench.client.get(run).progress.epoch + 2)
    assert (page.url, page.evaluate("scrollY")) == (url, 150)
    assert (ticks(page), shape(page, run)) == (zoomed, before)
    page.get_by_role("button", name="All", exact=True).click()
    expect(page).not_to_have_url(re.compile("zoom="))
    whole = shape(page, run)
    expect(line(page, run)).not_to_have_attribute("d", whole)


def test_smoothing_has_a_number_and_leaves_the_raw_line_faint(page: Page, bench: Bench) -> None:
    run = bench.trained(**SPEC)
    page.goto(f"/#/experiments/{run}")
    plain = shape(page, run)
    expect(line(page, run, "raw")).to_have_count(0)
    page.get_by_label("Smoothing, as a number").fill("0.9")
    page.get_by_label("Smoothing, as a number").press("Enter")
    expect(page).to_have_url(re.compile("smooth=0.9"))
    expect(page.get_by_role("slider", name="Smoothing")).to_have_value("0.9")
    expect(line(page, run, "raw")).to_have_count(2)
    assert shape(page, run) != plain
    assert float(line(page, run, "raw").first.evaluate("each => getComputedStyle(each).strokeOpacity")) < 0.5
    page.get_by_role("slider", name="Smoothing").fill("0")
    expect(line(page, run)).to_have_attribute("d", plain)
    expect(page).not_to_have_url(re.compile("smooth="))


def test_scale_splits_and_axis_are_chosen_by_hand_or_key_and_stand_in_the_address(page: Page, bench: Bench) -> None:
    run = bench.trained(**SPEC)
    page.goto(f"/#/experiments/{run}")
    linear = shape(page, run)
    page.get_by_label("Log scale").check()
    expect(page.locator(".chart--loss .chart__note")).to_have_text("logarithmic")
    assert shape(page, run) != linear
    expect(line(page, run, "train")).to_be_visible()
    page.get_by_role("radio", name="Validation").check()
    expect(line(page, run, "train")).to_have_count(0)
    page.keyboard.press("v")
    expect(line(page, run, "val")).to_have_count(0)
    expect(line(page, run, "train")).to_be_visible()
    page.keyboard.press("x")
    expect(page.locator(".chart__title").first).to_have_text("time of training")
    expect(page).to_have_url(re.compile(r"log=1&split=train&axis=time$"))
    page.reload()
    expect(page.locator(".chart__title").first).to_have_text("time of training")
    expect(page.get_by_label("Log scale")).to_be_checked()
    assert any(text.endswith(" s") for text in ticks(page))


def test_a_link_opens_the_view_without_its_controls(page: Page, bench: Bench) -> None:
    run = bench.trained(**SPEC)
    page.goto(f"/#/experiments/{run}?smooth=0.5&zoom=2,6&hide=smoothing,actions,export&view=projector")
    assert shape(page, run, "raw")
    expect(page.get_by_label("Smoothing, as a number")).to_be_hidden()
    expect(page.get_by_role("button", name="Reproduce")).to_be_hidden()
    expect(page.get_by_role("button", name="PNG")).to_be_hidden()
    expect(page.get_by_label("Log scale")).to_be_visible()
    assert {"2", "6"} <= set(ticks(page))
    assert "12" not in ticks(page)


def test_the_crosshair_tells_both_values_with_the_pointer_and_with_the_keys(page: Page, bench: Bench) -> None:
    run = bench.trained(**SPEC)
    epochs = bench.client.metrics(run).items
    page.goto(f"/#/experiments/{run}")
    shape(page, run)
    stage(page).focus()
    page.keyboard.press("Home")
    expect(card(page)).to_contain_text("epoch 12")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(card(page)).to_contain_text("epoch 2")
    expect(card(page).locator(".reading__value")).to_have_text(
        sorted((f"{epochs[1].val_loss:.4f}", f"{epochs[1].train_loss:.4f}"), reverse=True)
    )
    expect(page.locator("#announcer")).to_have_text(re.compile("^Loss, epoch 2: "))
    page.keyboard.press("Escape")
    expect(card(page)).to_be_hidden()
    point(page, 0.5, chart=ACCURACY)
    expect(card(page, ACCURACY)).to_contain_text("%")
    expect(card(page)).to_be_hidden()
    expect(stage(page).locator(".chart__cross-line")).to_have_count(1)


def test_the_best_epoch_is_ringed_and_named(page: Page, bench: Bench) -> None:
    run = bench.trained(**SPEC)
    best = bench.client.get(run).best
    assert best is not None
    page.goto(f"/#/experiments/{run}")
    for chart in ("loss", "accuracy"):
        expect(page.locator(f".chart--{chart} .chart__best title")).to_have_text(f"best epoch: {best.epoch}")
        expect(page.locator(f".chart--{chart} .chart__label")).to_have_text(f"best: {best.epoch}")


def test_the_numbers_are_there_as_a_table(page: Page, bench: Bench) -> None:
    run = bench.trained(**SPEC)
    epochs = bench.client.metrics(run).items
    page.goto(f"/#/experiments/{run}?split=val")
    shape(page, run)
    page.get_by_text("These numbers as a table").first.click()
    rows = page.get_by_role("region", name="Loss: the numbers").get_by_role("row")
    expect(rows).to_have_count(EPOCHS + 1)
    expect(rows.nth(4)).to_have_text(f"4{epochs[3].val_loss:.4f}")


def test_numbers_and_pictures_are_saved(page: Page, bench: Bench, tmp_path: Path) -> None:
    run = bench.trained(**SPEC)
    page.goto(f"/#/experiments/{run}")
    shape(page, run)
    saved = {}
    for kind, role in (("CSV", "link"), ("PNG", "button"), ("SVG", "button")):
        with page.expect_download() as download:
            page.get_by_role("link" if role == "link" else "button", name=kind, exact=True).click()
        assert download.value.suggested_filename == f"twelve-epochs.{kind.lower()}"
        saved[kind] = tmp_path / kind
        download.value.save_as(saved[kind])
    rows = list(csv.DictReader(io.StringIO(saved["CSV"].read_text())))
    assert [float(row["val_loss"]) for row in rows] == [each.val_loss for each in bench.client.metrics(run).items]
    picture = saved["SVG"].read_text()
    assert picture.startswith("<?xml")
    assert "var(" not in picture
    assert "light-dark" not in picture
    assert picture.count("<path") >= 4
    assert "twelve epochs" in picture
    with Image.open(saved["PNG"]) as image:
        assert image.width > 1200
        assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 20


def test_comments_are_told_with_the_stretch_that_they_speak_of(page: Page, bench: Bench) -> None:
    run = bench.trained(**SPEC)
    finding = bench.client.findings(run).items[0]
    page.goto(f"/#/experiments/{run}")
    comment = page.get_by_role("button", name=finding.text.en[:40])
    expect(page.locator(".chart__range")).to_have_count(0)
    comment.hover()
    expect(page.locator(".chart__range")).to_have_count(2)
    comment.click()
    page.mouse.move(0, 0)
    expect(page.locator(".chart__range")).to_have_count(2)
    expect(page).to_have_url(re.compile(f"finding={finding.kind}"))
    expect(comment).to_have_attribute("aria-pressed", "true")
    expect(comment).to_be_focused()
    page.get_by_role("tab", name="Findings").click()
    expect(page.locator(".finding").first).to_contain_text(finding.text.en)
    page.get_by_role("radio", name="Français").check()
    expect(page.locator(".finding").first).to_contain_text(finding.text.fr)
    page.get_by_text("The numbers that it rests on").first.click()
    expect(page.locator(".finding dt").first).to_be_visible()
