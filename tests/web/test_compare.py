"""Runs held against each other on the page."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Bench, Watch
from tests.web.curves import ACCURACY, card, line, point, shape

pytestmark = pytest.mark.browser

BASE = {"architecture": {"name": "mlp", "hidden": [8]}, "epochs": 6}


def runs(bench: Bench, *activations: str, seeds: tuple[int, ...] = (0,)) -> list[str]:
    """Runs that differ in their activation and seed, trained once for all tests."""
    return [bench.trained(**BASE, activation=each, seed=seed) for each in activations for seed in seeds]


def row(page: Page, run: str) -> Locator:
    """Its row of the table."""
    return page.locator(f'.comparison [data-row="{run}"]')


def look(run: Locator) -> Any:
    """The colour of a run's piece of line."""
    return run.locator(".stroke path").first.evaluate("each => getComputedStyle(each).stroke")


def test_only_the_settings_that_differ_are_told_and_the_best_epoch_of_each(page: Page, bench: Bench) -> None:
    tanh, relu = runs(bench, "tanh", "relu")
    page.goto(f"/#/compare?ids={tanh},{relu}")
    expect(page.locator(".experiment__short")).to_have_text("2 runs. They differ in activation.")
    heads = page.locator(".comparison thead").get_by_role("button")
    expect(heads).to_have_text(["Run", "activation", "Best val.", "Last val.", "Test", "Parameters", "Training"])
    for run, activation in ((tanh, "tanh"), (relu, "relu")):
        best = bench.client.get(run).best
        assert best is not None
        expect(row(page, run)).to_contain_text(activation)
        expect(row(page, run)).to_contain_text(f"{100 * (best.val_accuracy or 0):.2f}\u202f% @{best.epoch}")
        expect(page.locator(f'.chart--loss .chart__best[data-run="{run}"] title')).to_have_text(
            f"best epoch: {best.epoch}"
        )


def test_differences_to_a_chosen_baseline(page: Page, bench: Bench) -> None:
    tanh, relu = runs(bench, "tanh", "relu")
    page.goto(f"/#/compare?ids={tanh},{relu}&baseline=nothing")
    page.get_by_role("radio", name="Hold the others against").first.check()
    expect(page).to_have_url(re.compile(f"baseline=({tanh}|{relu})"))
    held = tanh if f"baseline={tanh}" in page.url else relu
    other = relu if held == tanh else tanh
    expect(row(page, held)).to_contain_text("baseline")
    accuracies = [(bench.client.get(each).test or pytest.fail("untested")).accuracy or 0 for each in (other, held)]
    points = 100 * (accuracies[0] - accuracies[1])
    sign = "+" if points > 0 else "−" if points < 0 else "±"
    expect(row(page, other)).to_contain_text(f"{sign}{abs(points):.2f}")


def test_the_crosshair_has_all_runs_by_value_and_a_meant_line_fades_the_rest_and_marks_its_row(
    page: Page, bench: Bench
) -> None:
    three = runs(bench, "tanh", "relu", "sigmoid")
    page.goto(f"/#/compare?ids={','.join(three)}")
    for run in three:
        shape(page, run)
    point(page, 0.5, 0.1, ACCURACY)
    values = card(page, ACCURACY).locator(".reading__value")
    expect(values).to_have_count(3)
    told = [float(each.removesuffix("\u202f%")) for each in values.all_text_contents()]
    assert told == sorted(told, reverse=True)
    row(page, three[1]).hover()
    expect(line(page, three[1], chart=ACCURACY)).to_have_css("opacity", "1")
    for run in (three[0], three[2]):
        expect(line(page, run, chart=ACCURACY)).to_have_css("opacity", "0.16")
    dot = page.locator(f'.chart--accuracy .chart__best[data-run="{three[2]}"]').bounding_box()
    assert dot is not None
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    for each in card(page, ACCURACY).locator(".reading__row").all():
        expect(each).to_have_css("opacity", "1")  # lines fade, not what is to be read
    said = card(page, ACCURACY).locator(".reading__row.is-focus")
    expect(said).to_be_visible()
    meant = said.get_attribute("data-run")
    expect(page.locator(".comparison tr.is-focus")).to_have_attribute("data-row", meant or "")
    expect(line(page, meant or "", chart=ACCURACY)).to_have_css("opacity", "1")


def test_a_run_has_one_colour_everywhere(page: Page, bench: Bench) -> None:
    tanh, relu = runs(bench, "tanh", "relu")
    page.goto(f"/#/compare?ids={tanh},{relu}")
    shape(page, tanh)
    colours = {run: look(row(page, run)) for run in (tanh, relu)}
    assert len(set(colours.values())) == 2
    for run, colour in colours.items():
        assert line(page, run).evaluate("each => getComputedStyle(each).stroke") == colour
    page.goto(f"/#/compare?ids={relu}")
    expect(row(page, tanh)).to_have_count(0)
    assert look(row(page, relu)) == colours[relu]
    page.goto(f"/#/experiments/{tanh}")
    assert look(page.locator(".experiment__name")) == colours[tanh]


def test_runs_that_differ_by_seed_alone_are_a_mean_and_a_band(page: Page, bench: Bench) -> None:
    found = runs(bench, "tanh", "relu", seeds=(0, 1, 2))
    page.goto(f"/#/compare?ids={','.join(found)}")
    expect(page.locator(".experiment__short")).to_contain_text("6 runs in 2 groups over seeds")
    page.get_by_role("radio", name="Means over seeds").check()
    expect(page).to_have_url(re.compile("group=seeds"))
    expect(page.locator(".chart--loss .chart__line--val")).to_have_count(2)
    expect(page.locator(".chart--loss .chart__band[d]")).to_have_count(2)
    rows = page.locator(".comparison tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("3 seeds")
    expect(rows.first).to_contain_text("±")
    (verdict,) = bench.client.compare(found).verdicts.groups
    expect(page.locator(".verdict").first).to_have_text(verdict.text.en)
    page.get_by_role("radio", name="Français").check()
    expect(page.locator(".verdict").first).to_have_text(verdict.text.fr)


def test_a_curve_is_left_out_and_a_run_taken_out(page: Page, bench: Bench) -> None:
    tanh, relu = runs(bench, "tanh", "relu")
    page.goto(f"/#/compare?ids={tanh},{relu}")
    shape(page, tanh)
    row(page, tanh).get_by_role("button", name="Curve of").click()
    expect(line(page, tanh)).to_have_count(0)
    expect(row(page, tanh)).to_be_visible()
    row(page, tanh).get_by_role("button", name="Take").click()
    expect(row(page, tanh)).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"ids={relu}\b(?!,)"))
    assert shape(page, relu)


def test_compared_runs_go_on_by_themselves(page: Page, bench: Bench) -> None:
    (done,) = runs(bench, "tanh")
    live = bench.learning()
    page.goto(f"/#/compare?ids={done},{live}")
    expect(row(page, live).locator(".chip")).to_have_text("running")
    before = shape(page, live)
    expect(line(page, live)).not_to_have_attribute("d", before)
    bench.client.cancel(live)
    expect(row(page, live).locator(".chip")).to_have_text("cancelled")


def test_where_one_of_the_runs_is_gone_the_others_can_be_compared(
    watched_page: tuple[Page, Watch], bench: Bench
) -> None:
    page, watch = watched_page
    watch.allowed.append("status of 404")
    tanh, relu = runs(bench, "tanh", "relu")
    gone = "0197f0c4-0000-7000-8000-000000000000"
    page.goto(f"/#/compare?ids={tanh},{gone},{relu}")
    expect(page.get_by_role("alert")).to_contain_text("there is no experiment")
    page.get_by_role("link", name="Compare the others").click()
    expect(page.locator(".comparison tbody tr")).to_have_count(2)


def test_a_sweep_is_compared_by_its_id_and_what_is_not_there_is_said(page: Page, bench: Bench) -> None:
    page.goto("/#/compare")
    expect(page.locator(".experiment__short")).to_contain_text("Choose runs")
    sweep = bench.client.sweep(
        {"base": {"dataset": "digits", **BASE, "epochs": 2}, "grid": {"activation": ["tanh", "relu"]}}
    )
    page.goto(f"/#/compare?sweep_id={sweep.id}")
    expect(page.locator(".comparison tbody tr")).to_have_count(2)
