"""What a run is made of, what it reads wrong, and what goes on inside it: the tabs of its page."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Bench
from tests.web.drawing import draw, epochs, reader

pytestmark = pytest.mark.browser


def test_layers_tell_the_sum_of_their_parameters_and_the_function(page: Page, bench: Bench) -> None:
    page.goto(f"/#/experiments/{reader(bench)}?tab=layers")
    table = page.get_by_role("table", name="Layers and their parameters").first
    expect(table.get_by_role("row", name="convolution1")).to_contain_text("(3 × 3 × 1 + 1) × 16 = 160")
    expect(table.get_by_role("row", name="convolution1")).to_contain_text("times as many")
    expect(page.locator(".formula")).to_contain_text("softmax(W4 relu(W3 flatten(maxpool2(relu(K2 ∗")
    expect(page.get_by_text(re.compile(r"The linear map nearest to it reads \d+\.\d\d"))).to_be_visible()


def test_a_stack_of_linear_layers_is_told_to_be_one_map(page: Page, bench: Bench) -> None:
    linear = bench.trained(architecture="mlp", activation="identity")
    page.goto(f"/#/experiments/{linear}?tab=layers")
    expect(page.get_by_text("Its 3 layers with weights are one linear map")).to_contain_text("50,176 add nothing")


def test_a_cell_of_the_confusion_matrix_opens_its_images(page: Page, bench: Bench) -> None:
    experiment_id = bench.trained()
    found = bench.client  # the numbers of the page are those of the API
    mistakes = found.get(experiment_id)
    assert mistakes.test is not None
    page.goto(f"/#/experiments/{experiment_id}?tab=confusion")
    wrong = page.locator(".matrix__cell:not(.matrix__cell--right)").first
    count = int(wrong.inner_text())
    label, prediction = (wrong.get_attribute("data-cell") or "").split("-")
    wrong.click()
    expect(page).to_have_url(re.compile(rf"cell={label}-{prediction}"))
    expect(page.locator(".wall .card")).to_have_count(count)
    expect(page.locator(".wall .card .card__title").first).to_have_text(f"{label} → {prediction}")
    total = sum(int(each) for each in page.locator(".matrix__cell").all_inner_texts())
    right = sum(int(each) for each in page.locator(".matrix__cell--right").all_inner_texts())
    assert (total, right / total) == (355, mistakes.test.accuracy)
    colours = page.evaluate(
        "[...document.querySelectorAll('.matrix__cell')].map(each => [each.matches('.matrix__cell--right'),"
        " getComputedStyle(each).backgroundColor])"
    )
    assert len({colour for is_right, colour in colours if is_right}) == 1  # however many: the diagonal is muted
    assert not {colour for is_right, colour in colours if is_right} & {colour for right, colour in colours if not right}


def test_a_mistake_is_followed_over_the_epochs(page: Page, bench: Bench) -> None:
    page.goto(f"/#/experiments/{reader(bench)}?tab=mistakes")
    page.locator(".wall .card").first.click()
    expect(page).to_have_url(re.compile(r"image=\d+"))
    steps = page.get_by_role("group", name="What it is read as, epoch by epoch").get_by_role("button")
    expect(steps).to_have_count(15)
    steps.first.click()
    expect(page.get_by_text(re.compile(r"^After epoch 1 it is read as \d"))).to_be_visible()
    epochs(page).press("End")
    expect(page.get_by_text(re.compile(r"^After epoch 15 it is read as \d"))).to_be_visible()
    page.get_by_role("link", name="Look inside the network with it").click()
    expect(page).to_have_url(re.compile(r"tab=inside&index=\d+"))
    expect(page.get_by_text(re.compile(r"^A \d, read as \d"))).to_be_visible()


def test_a_patch_times_its_kernel_gives_the_number_of_a_map(page: Page, bench: Bench) -> None:
    experiment_id = reader(bench)
    page.goto(f"/#/experiments/{experiment_id}?tab=inside&index=4")
    layer = page.get_by_role("region", name="convolution1")
    expect(layer.get_by_role("button")).to_have_count(16)
    layer.get_by_role("button", name="Map 3 of convolution1").press("Enter")
    expect(page.get_by_role("heading", name="Map 3 of convolution1")).to_be_visible()
    expect(layer.get_by_role("button", name="Map 3 of convolution1")).to_be_focused()
    sum_of = page.locator(".product__sum")
    expect(sum_of).to_contain_text("bias")
    page.get_by_role("application", name="One map").press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"row=5&column=5"))
    answer = page.request.post(
        f"/v1/experiments/{experiment_id}/activations/position?layer=convolution1&map=3&row=5&column=5",
        data={"index": 4},
    ).json()
    expect(sum_of.locator("strong").first).to_have_text(f"{answer['sum']:.4f}")
    expect(page.get_by_role("img", name=re.compile("^its weights: "))).to_be_visible()


def test_which_pixels_an_answer_rests_on_is_told_as_the_api_has_it(page: Page, bench: Bench) -> None:
    experiment_id, linear = reader(bench), bench.trained()
    panel = page.get_by_role("region", name="Which pixels it rests on")
    page.goto(f"/#/experiments/{experiment_id}?tab=inside&index=4")
    expect(panel.get_by_text("It is the slope at this image")).to_be_visible()
    expect(panel.get_by_role("radio", name="Account")).to_be_disabled()
    panel.get_by_role("radio", name="Blanked").check()
    panel.get_by_label("for").select_option("3")
    expect(page).to_have_url(re.compile("why=blank&class=3"))
    answer = page.request.post(
        f"/v1/experiments/{experiment_id}/saliency?method=occlusion&digit=3", data={"index": 4}
    ).json()
    expect(panel).to_contain_text(
        f"the logit of 3, which is {answer['value']:.2f}, loses when a square of 2 × 2 pixels"
    )
    panel.get_by_role("application").press("ArrowDown")
    expect(panel.get_by_role("status")).to_contain_text("Row 1, column 0: ")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/#/experiments/{linear}?tab=inside&index=4&why=account&class=3&against=8")
    answer = page.request.post(
        f"/v1/experiments/{linear}/contributions?input=ink&digit=3&against=8", data={"index": 4}
    ).json()
    pixels, bias, gap = (f"{answer[each]:.3f}" for each in ("pixels", "bias", "gap"))
    expect(panel).to_contain_text(f"adds up to {pixels}; with {bias}, which a blank image has, that is {gap}")
    expect(panel.get_by_role("img", name="Weights")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_role("tab", name="Inside")).to_be_in_viewport()


def test_the_epoch_slider_shows_what_the_network_was(page: Page, bench: Bench) -> None:
    experiment_id = reader(bench)
    page.goto(f"/#/experiments/{experiment_id}?tab=inside&index=4")
    epochs(page).press("Home")
    expect(page).to_have_url(re.compile("weights=1$"))
    expect(page.get_by_text(re.compile(r"read as \d \(\d+\.\d.%\) after epoch 1\."))).to_be_visible()
    page.goto(f"/#/experiments/{experiment_id}?tab=filters")
    legend = page.locator(".legend span").last
    expect(legend).not_to_have_text("")
    expect(page.locator(".tile")).to_have_count(16)
    epochs(page).press("Home")
    expect(page).to_have_url(re.compile("weights=1$"))
    scale = page.request.get(f"/v1/experiments/{experiment_id}/filters?checkpoint=1").json()["scale"]
    expect(legend).to_have_text(f"{scale:.2f}")
    page.get_by_role("button", name="Number 2", exact=True).click()
    expect(page.get_by_role("img", name=re.compile("^Number 2 of convolution1: "))).to_be_visible()
    expect(page.get_by_role("button", name="Number 2", exact=True)).to_be_focused()


def test_one_looks_inside_with_the_digit_on_the_slate(page: Page, bench: Bench) -> None:
    experiment_id = reader(bench)
    page.goto(f"/#/draw?models={experiment_id}")
    draw(page)
    expect(page.locator(".reader__digit")).to_have_text("7")
    page.goto(f"/#/experiments/{experiment_id}?tab=inside&of=drawn")
    expect(page.get_by_text(re.compile("^The digit on the slate, read as 7"))).to_be_visible()


def test_a_note_is_written_and_what_is_told_of_a_run_that_runs_is_honest(page: Page, bench: Bench) -> None:
    learning = bench.learning(name="unfinished")
    page.goto(f"/#/experiments/{learning}?tab=confusion")
    expect(page.get_by_text("Its errors are counted once the run has ended")).to_be_visible()
    page.get_by_role("tab", name="Notes").click()
    page.get_by_label("A note about this run").fill("La perte\nremonte.")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("article")).to_contain_text("La perte\nremonte.")
    assert [note.text for note in bench.client.notes(learning)] == ["La perte\nremonte."]
