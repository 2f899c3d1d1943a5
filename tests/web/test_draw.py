"""The slate: what is drawn is read while one draws, by one network or several, and can be kept."""

import base64
import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import Bench, watched
from tests.web.drawing import ONE, SEVEN, draw, epochs, reader, slate

pytestmark = pytest.mark.browser

SURE = re.compile(r"^\d+\.\d\s%$")


def test_a_seven_is_read_as_a_seven_while_it_is_drawn(page: Page, bench: Bench) -> None:
    network = page.get_by_role("region", name="reader")
    page.goto(f"/#/draw?models={reader(bench)}")
    expect(network.get_by_text("The slate is empty.")).to_be_visible()
    box = slate(page).bounding_box()
    assert box is not None
    corners = [(box["x"] + x * box["height"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=4)
    expect(network.locator(".reader__digit")).not_to_have_text("–")  # the hand is still down
    page.mouse.move(*corners[2], steps=4)
    page.mouse.up()
    expect(network.locator(".reader__digit")).to_have_text("7")
    bars = network.get_by_role("list", name="How probable it finds each digit").get_by_role("listitem")
    expect(bars).to_have_count(10)
    expect(bars.nth(7)).to_have_class(re.compile("is-top"))
    expect(bars.nth(7).locator(".bars__value")).to_have_text(SURE)
    seen = network.get_by_role("img", name="What the network sees")
    expect(seen).to_have_js_property("naturalWidth", 8)
    expect(network.locator("figcaption")).to_contain_text("pixels cut out")


def test_strokes_are_undone_done_again_and_wiped_off_by_keys(page: Page, bench: Bench) -> None:
    page.goto(f"/#/draw?models={reader(bench)}")
    digit = page.locator(".reader__digit")
    draw(page)
    expect(digit).to_have_text("7")
    page.keyboard.press("u")
    expect(digit).to_have_text("–")
    page.keyboard.press("r")
    expect(digit).to_have_text("7")
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()
    page.keyboard.press("Control+z")
    expect(digit).to_have_text("7")
    page.reload()
    expect(digit).to_have_text("7")


def test_a_digit_is_drawn_with_the_arrow_keys(page: Page, bench: Bench) -> None:
    page.goto(f"/#/draw?models={reader(bench)}")
    slate(page).focus()
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator(".reader__digit")).to_have_text(re.compile(r"^\d$"))
    expect(page.locator(".reader__sure")).to_have_text(SURE)


def test_a_finger_draws_too(browser: Browser, bench: Bench) -> None:
    experiment_id = reader(bench)
    with watched(browser, bench.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as (
        page,
        _,
    ):
        page.goto(f"/#/draw?models={experiment_id}")
        box = slate(page).bounding_box()
        assert box is not None
        touch = page.context.new_cdp_session(page)
        points = [{"x": box["x"] + x * box["height"], "y": box["y"] + y * box["height"]} for x, y in SEVEN]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
        for point in points[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(page.locator(".reader__digit")).to_have_text("7")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_pen_draws_too(page: Page, bench: Bench) -> None:
    page.goto(f"/#/draw?models={reader(bench)}")
    box = slate(page).bounding_box()
    assert box is not None
    pen = page.context.new_cdp_session(page)
    kinds = ("mousePressed", *["mouseMoved"] * (len(SEVEN) - 1), "mouseReleased")
    for kind, (x, y) in zip(kinds, (*SEVEN, SEVEN[-1]), strict=True):
        at = {"x": box["x"] + x * box["height"], "y": box["y"] + y * box["height"]}
        held = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen", "force": 0.5}
        pen.send("Input.dispatchMouseEvent", {"type": kind, **at, **held})
    expect(page.locator(".reader__digit")).to_have_text("7")


def test_two_epochs_of_a_run_read_the_same_drawing_side_by_side(page: Page, bench: Bench) -> None:
    experiment_id = reader(bench)
    page.goto(f"/#/draw?models={experiment_id},{experiment_id}:1")
    draw(page)
    networks = page.get_by_role("region", name="reader")
    expect(networks).to_have_count(2)
    expect(networks.nth(1).get_by_text("Epoch 1", exact=True)).to_be_visible()
    expect(networks.nth(1).locator(".reader__digit")).to_have_text(re.compile(r"^\d$"))
    expect(page.locator(".agreement")).to_have_text(re.compile(r"^(Both read 7|They disagree: 7, \d)\.$"))
    epochs(networks.nth(1)).press("End")
    expect(page).to_have_url(re.compile(rf"models={experiment_id},{experiment_id}(:15)?$"))
    networks.nth(1).get_by_role("button", name="Take this network away").click()
    expect(networks).to_have_count(1)


def test_epochs_are_offered_once_it_is_known_which_are_stored(page: Page, bench: Bench) -> None:
    page.route("**/checkpoints", lambda _: None)
    page.goto(f"/#/draw?models={reader(bench)}")
    expect(page.locator(".reader")).to_be_visible()
    expect(page.get_by_label("Epoch whose weights are used")).to_be_hidden()
    expect(page.get_by_role("button", name="Play through the epochs")).to_be_hidden()
    page.unroute("**/checkpoints")
    expect(epochs(page)).to_have_attribute("max", "14")


def test_what_two_runs_disagree_on_is_told_and_laid_on_the_slate(page: Page, bench: Bench) -> None:
    ids = f"{reader(bench)},{bench.trained()}"
    page.goto(f"/#/draw?models={ids}")
    page.get_by_text("Which test digits do they read differently?").click()
    expect(page).to_have_url(re.compile("differ=1"))
    expect(page.get_by_text(re.compile(r"^They read \d+ of the 355 test images of digits differently"))).to_be_visible()
    expect(page.get_by_text("McNemar")).to_be_visible()
    page.get_by_role("button", name=re.compile("Lay it on the slate")).first.click()
    for network in page.locator(".reader").all():
        expect(network.locator("figcaption")).to_have_text("Taken as it is")
    expect(page.locator(".agreement")).to_contain_text("They disagree")


def test_what_is_no_digit_is_told_honestly_and_several_are_read_one_by_one(page: Page, bench: Bench) -> None:
    page.goto(f"/#/draw?models={reader(bench)}")
    network = page.locator(".reader")
    draw(page, ((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9), (0.1, 0.1), (0.9, 0.1)))
    expect(network.get_by_text("No digit that it knows")).to_be_visible()
    expect(network.locator(".reader__details li").first).to_be_visible()
    page.keyboard.press("c")
    page.get_by_label("Several digits").check()
    draw(page)
    draw(page, ONE, shift=0.9)
    expect(network.locator(".piece")).to_have_count(2)
    expect(network.locator(".reader__digit")).to_have_text(re.compile(r"^7\d$"))
    expect(page).to_have_url(re.compile("several=1"))


def test_a_drawn_digit_is_kept_with_the_runs_notes(page: Page, bench: Bench) -> None:
    experiment_id = reader(bench)
    page.goto(f"/#/draw?models={experiment_id}")
    draw(page)
    expect(page.locator(".reader__digit")).to_have_text("7")
    page.get_by_label("Your name").fill("Élodie")
    page.get_by_label("Words beside it, if you like").fill("the first of mine")
    slate(page).focus()
    page.keyboard.press("7")
    page.keyboard.press("s")
    expect(page.locator(".keeping [role=status]")).to_have_text("Kept as a 7 with the notes of reader.")
    note = [*bench.client.notes(experiment_id)][-1]
    assert (note.author, note.example is not None and note.example.label) == ("Élodie", 7)
    assert re.fullmatch(r"the first of mine\nRead as 7 \(\d+\.\d.%\) by the weights of epoch \d+\.", note.text)
    assert note.example is not None
    with Image.open(io.BytesIO(base64.b64decode(note.example.image))) as kept:
        assert (kept.size, kept.getextrema()) == ((112, 112), (0, 255))
    page.get_by_role("link", name="the notes of reader").click()
    card = page.get_by_role("article").filter(has_text="the first of mine")
    expect(card.get_by_role("heading")).to_have_text(re.compile(r"^A 7, read as 7"))
    expect(page.get_by_text(re.compile("of the 1 example is read right after epoch"))).to_be_visible()
    card.get_by_role("button", name="Delete this note").click()
    expect(page.get_by_text("Nobody has written anything yet.")).to_be_visible()


def test_a_network_that_learns_reads_the_drawing_again_and_again(page: Page, bench: Bench) -> None:
    learning = bench.learning(name="learning")
    page.goto(f"/#/draw?models={learning}:last")
    draw(page)
    epoch = page.locator(".epochs__text")
    expect(page.locator(".reader__sure")).to_have_text(SURE)
    before = epoch.inner_text()
    expect(epoch).not_to_have_text(before)
    bench.client.cancel(learning)


def test_without_a_network_the_slate_says_where_one_comes_from(page: Page, bench: Bench) -> None:
    bench.clear()
    page.goto("/#/draw")
    expect(page.get_by_text("No network has learnt anything yet")).to_be_visible()
    expect(page.get_by_role("link", name="Train one")).to_be_visible()
