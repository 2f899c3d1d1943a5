"""An empty bench: one click, and six networks learn."""

import re

import pytest
from playwright.sync_api import Page, expect

from service.cli import demonstration
from service.domain.spec import ExperimentSpec
from tests.web.conftest import Bench
from tests.web.curves import shape

pytestmark = pytest.mark.browser

WATCH = """() => {
    window.shapes = {};
    new MutationObserver((changes) => {
        for (const { target } of changes) {
            if (!target.matches('.chart[data-chart="loss"] .chart__line--val')) continue;
            (window.shapes[target.dataset.run] ??= new Set()).add(target.getAttribute('d'));
        }
    }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['d'] });
}"""
"""Remember every shape that a line of the losses has had."""


def test_an_empty_bench_offers_the_first_comparison_whose_curves_then_grow(page: Page, bench: Bench) -> None:
    bench.clear()
    page.goto("/")
    expect(page.get_by_role("heading", name="A clean slate")).to_be_visible()
    expect(page.get_by_label("Filter")).to_be_hidden()
    page.evaluate(WATCH)
    page.get_by_role("button", name="Run the first comparison").click()
    expect(page).to_have_url(re.compile(r"#/compare\?ids=[\w,-]+$"))
    runs = [each.id for each in bench.client.iterate()]
    assert len(runs) == 6
    for run in runs:
        shape(page, run)
        bench.ended(run)
    assert page.evaluate("Math.max(...Object.values(window.shapes).map((each) => each.size))") > 1
    page.goto("/#/experiments")
    expect(page.locator(".chip--completed")).to_have_count(6)
    expect(page.locator('.sparkline path[d*="L"]')).to_have_count(6)


def test_it_is_the_comparison_of_the_demo(page: Page) -> None:
    page.goto("/")
    made = page.evaluate("import('/web/list/first_comparison.js').then(({ comparison }) => comparison())")
    told = demonstration.comparison(epochs=25)
    assert [ExperimentSpec.model_validate({**each, "tags": []}) for each in made] == [
        ExperimentSpec.model_validate({**each, "tags": []}) for each in told
    ]
